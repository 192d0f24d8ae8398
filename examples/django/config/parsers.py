"""How bodies are read."""

import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class StrictJSONParser(JSONParser):
    """JSON whose texts can be written again.

    A lone surrogate cannot (RFC 8259 section 8.2): the message of a field that refuses it would be answered with 500.
    """

    def parse(self, stream: Any, media_type: str | None = None, parser_context: dict[str, Any] | None = None) -> Any:
        """Refuse what cannot be encoded."""
        data = super().parse(stream, media_type, parser_context)
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ParseError("A text has half of a surrogate pair.") from None
        return data
