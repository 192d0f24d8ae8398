"""Create bodies made from a JSON Schema."""
