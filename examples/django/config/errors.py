"""How errors are answered."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """As Django REST Framework does, and 400 for JSON that is nested too deep for Python's parser."""
    return exception_handler(ParseError("Nested too deep.") if isinstance(error, RecursionError) else error, context)
