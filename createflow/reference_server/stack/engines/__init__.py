"""One file for each engine: its configuration, its start, and how one knows that it is ready."""
