"""What the engines raise that have no exceptions of a client library of their own, and how an extra is asked for."""

from importlib import import_module
from types import ModuleType

from createflow.schemas.error import UserError


class SinkFailed(Exception):  # noqa: N818 - read as a statement
    """The sink did not answer, or refused; the message says what it said, and what may mend it."""


def required(module: str, *, extra: str, what: str) -> ModuleType:
    """A module that an extra installs.

    Raises:
        UserError: it is not installed; the hint has the command that does it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise UserError(f"{what} needs the extra {extra}", hint=f"pip install 'createflow[{extra}]'") from None


def reason_of(error: BaseException) -> str:
    """The first line of what an exception says, or its name."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
