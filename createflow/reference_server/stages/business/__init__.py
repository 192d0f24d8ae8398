"""The business tier: steps 7 to 10."""
