"""What one load is to do."""
