"""The stages, one module a step, in the folders of the tiers."""
