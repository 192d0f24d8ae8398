"""The highest rate of target and generator."""
