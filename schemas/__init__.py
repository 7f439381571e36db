"""What travels: one message or idea a file, and the table of topics. JSON Schemas are made from here."""
