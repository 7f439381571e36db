"""People who do not exist: their orders, their pings as a carrier would send them, and the truth about them."""
