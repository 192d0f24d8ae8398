"""Turns a missing extra into an answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from createflow.schemas.error import UserError


@contextmanager
def reference_extra() -> Iterator[None]:
    """For the length of an import of the bundled stack.

    Raises:
        UserError: the extra ``reference`` is not installed; says which module is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("createflow"):
            raise
        raise UserError(
            f"the bundled stack needs the module {error.name}, and it is not installed",
            hint="pip install 'createflow[reference]'; or test a deployment of your own: --profile FILE, --url URL",
        ) from error
