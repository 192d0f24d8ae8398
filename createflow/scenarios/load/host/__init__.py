"""The machine that the load comes from."""
