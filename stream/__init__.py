"""The outer shell: Kafka, clocks, settings, metrics and the command line around the pure rules."""

__version__ = "0.1.0"
