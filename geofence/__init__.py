"""Where a position is: datum shifts, local metric planes, containment with error, fences and their index."""
