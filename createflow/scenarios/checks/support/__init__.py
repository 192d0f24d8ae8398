"""What several checks arrange in the same way."""
