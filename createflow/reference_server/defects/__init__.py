"""The broken twins: one for each seeded defect, so that every check can be seen to fail."""
