"""People who do not exist: their orders, their pings as a carrier would send them, and the truth about them."""

from stream.simulate.county import County
from stream.simulate.feed import Feed, SentPing, Truth
from stream.simulate.silences import Outage
from stream.simulate.sinks import Progress, run_to_files, run_to_kafka
from stream.simulate.stories import STORIES, tell

__all__ = [
    "STORIES",
    "County",
    "Feed",
    "Outage",
    "Progress",
    "SentPing",
    "Truth",
    "run_to_files",
    "run_to_kafka",
    "tell",
]
