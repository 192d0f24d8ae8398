"""HTTP/1.1 as a load node speaks it."""
