"""What happened to every arrival."""
