"""createflow proves that a create endpoint keeps its word."""

from typing import Any


def __getattr__(name: str) -> Any:
    """``__version__``, looked up when asked for: every process of the stack imports this package, few ask."""
    if name == "__version__":
        from importlib.metadata import version

        return version("createflow")
    raise AttributeError(name)
