"""The kernel: people are rows, rules own columns, time is an argument. One file a rule, no I/O, no clock."""
