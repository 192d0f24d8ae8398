"""What checks ask through: the target itself, and read-only looks into what a write must reach."""
