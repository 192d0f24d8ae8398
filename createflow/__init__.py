"""createflow proves that a create endpoint keeps its word."""

from importlib.metadata import version

__version__ = version("createflow")
