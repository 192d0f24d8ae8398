"""The use case of ``createflow run``."""
