"""The use cases of ``createflow bench``."""
