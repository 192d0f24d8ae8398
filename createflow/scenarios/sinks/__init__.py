"""Read-only looks into what a write must reach."""
