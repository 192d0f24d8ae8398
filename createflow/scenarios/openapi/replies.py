"""The replies that a document declares for each operation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.openapi.body_schema import translated
from createflow.scenarios.openapi.references import Document, Resolver, target_of
from createflow.scenarios.openapi.servers import server_of
from createflow.scenarios.openapi.values import as_object

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_MOST_VARIABLES = 3
"""In one segment of a path."""
_MOST_PARTS = 50_000
"""Of all schemas of replies together, with what their references name."""


@dataclass(frozen=True, slots=True)
class DeclaredReply:
    """The reply with one status, or with one of a class."""

    schemas: Mapping[str, dict[str, Any] | None]
    """JSON Schema by media type, in lower case; ``None`` where there is none. Empty when no body is declared."""


@dataclass(frozen=True, slots=True)
class DeclaredOperation:
    """One operation."""

    name: str
    """Method and path template."""
    replies: Mapping[str, DeclaredReply] = field(default_factory=dict)
    """By status, class (``4XX``) or ``default``."""

    def reply(self, status: int) -> DeclaredReply | None:
        """The reply with this status (OpenAPI 3.1.0 §4.8.16): the exact one, else its class, else the default."""
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if key in self.replies:
                return self.replies[key]
        return None


class DeclaredReplies:
    """The operations of a document, found by method and path. The schemas of replies are made when they are used."""

    def __init__(self, document: Document) -> None:
        self._resolver = Resolver(document, most_parts=_MOST_PARTS)
        self._document = document
        self._made: dict[str, DeclaredOperation] = {}
        found = []
        for path, item in as_object(document.get("paths")).items():
            whole = as_object(target_of(document, item))
            whole = {key: target_of(document, one) if key in _METHODS else one for key, one in whole.items()}
            found += [
                (
                    method.upper(),
                    f"{server_of(whole[method], whole, document)[1]}{path}",
                    f"{method.upper()} {path}",
                    whole[method],
                )
                for method in sorted(_METHODS & whole.keys())
                # More variables in one segment make the search for them take any time.
                if all(segment.count("{") <= _MOST_VARIABLES for segment in path.split("/"))
            ]
        # A path without variables goes before one with them (OpenAPI 3.1.0 §4.8.8.2).
        found.sort(key=lambda one: one[1].count("{"))
        self._operations = [(method, _pattern(path), name, operation) for method, path, name, operation in found]

    def at(self, method: str, path: str) -> DeclaredOperation | None:
        """The operation of a request; ``None`` when the document has none.

        Raises:
            UserError: the schemas of all operations so far are too large together.
        """
        for verb, pattern, name, operation in self._operations:
            if verb == method and pattern.fullmatch(path):
                if name not in self._made:
                    self._made[name] = self._operation(name, operation)
                return self._made[name]
        return None

    def _operation(self, name: str, operation: Any) -> DeclaredOperation:
        replies = as_object(as_object(operation).get("responses"))
        return DeclaredOperation(name, {str(status): self._reply(reply) for status, reply in replies.items()})

    def _reply(self, reply: Any) -> DeclaredReply:
        content = as_object(as_object(target_of(self._document, reply)).get("content"))
        return DeclaredReply({kind.partition(";")[0].strip().lower(): self._schema(it) for kind, it in content.items()})

    def _schema(self, content: Any) -> dict[str, Any] | None:
        schema = as_object(content).get("schema")
        if schema is None:
            return None
        made = translated(self._resolver.resolved(schema))
        return made if isinstance(made, dict) and made else None


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^{}/]*\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))
