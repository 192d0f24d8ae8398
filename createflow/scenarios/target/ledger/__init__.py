"""What a run wrote: where each resource is, and how each write ended. Whatever sends a create enters it here."""
