"""What every process of the reference has."""
