"""The parent's side: start, watch, merge."""
