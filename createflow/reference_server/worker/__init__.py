"""What runs after the reply."""
