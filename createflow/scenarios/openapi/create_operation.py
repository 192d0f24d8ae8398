"""Finds the create among the operations of a document, and what is needed to send one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from createflow.scenarios.openapi.body_schema import BodyAs, body_of, content_of, form_of, json_media_type
from createflow.scenarios.openapi.parameters import Parameters, parameters_of
from createflow.scenarios.openapi.references import Document, target_of
from createflow.scenarios.openapi.reply_shape import ReplyShape, reply_shape, shows_id
from createflow.scenarios.openapi.servers import server_of
from createflow.scenarios.openapi.several_files import UNREAD, unread_files
from createflow.scenarios.openapi.values import as_list, as_object
from createflow.scenarios.text.shortened import listed
from createflow.schemas.error import UserError

_LONGEST_PATH = 2000
_MOST_LOOKED_AT = 30
"""Creates whose replies are looked at."""
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_ENDS_IN_VARIABLE = re.compile(r"\{[^{}/]+\}/?\Z")
_LONGEST_NAME = 200
_MOST_NAMED = 20
_MOST_REQUIREMENTS = 20


@dataclass(frozen=True, slots=True)
class CreateOperation:
    """One operation that creates a resource."""

    path: str
    base_url: str
    """Scheme, host and port that the document's ``servers`` name, empty when it names none. It is only what a document
    says: requests go there when the user has named or confirmed it."""
    media_type: str
    schema: dict[str, Any] | None
    """JSON Schema 2020-12 of the representation, without references."""
    security: dict[str, Any] | None
    """The first security scheme that it requires."""
    others: tuple[str, ...]
    """Paths of other operations that create."""
    elsewhere: tuple[str, ...] = ()
    """References to other documents in the schema, which are not followed: anything is allowed there."""
    more_security: tuple[dict[str, Any], ...] = ()
    """Further schemes that it requires together with the first."""
    is_security_optional: bool = False
    request_pointer: str = ""
    """JSON Pointer to the representation inside the body."""
    request_also: Mapping[str, Any] = field(default_factory=dict)
    """What else the body has in every create."""
    shape: ReplyShape = field(default_factory=ReplyShape)
    parameters: Parameters = field(default_factory=Parameters)
    notes: tuple[str, ...] = ()
    """What the document says that a profile cannot, each as one line."""
    method: str = "POST"
    """``PUT`` creates under an id of the client: the last variable of the path."""
    alternatives: tuple[dict[str, Any], ...] = ()
    """Schemas that the representation may have: ``schema`` is one of them."""
    whole: dict[str, Any] | None = None
    """Schema of the whole body."""
    examples: tuple[Any, ...] = ()
    """Whole bodies, as the document has them."""
    name: str | None = None
    """The field whose text is each create's own; ``None`` where it was not looked for."""
    template: Mapping[str, Any] | None = None
    """The representation, where an example is known and no schema; the name field gets each create's own text."""
    problem: str = ""
    """Why no body can be made: it must be written by hand."""
    body_as: BodyAs = "json"
    body: str = ""
    """The exact body of every create, where no text of it can be the create's own; JSON."""


def find_create_operation(document: Document, path: str | None = None) -> CreateOperation:
    """The operation at a path; else the first of the POSTs with a JSON body, those that say 201 first, or with a form.

    Args:
        document: the whole.
        path: that of a POST, or of a PUT to a path that ends in a variable where there is no POST. ``PUT /a/{id}`` says
            which.

    Raises:
        UserError: the document has none.
    """
    paths = _paths(document)
    posts = _operations(paths, "post")
    puts = {name: one for name, one in _operations(paths, "put").items() if _ENDS_IN_VARIABLE.search(name)}
    method, chosen, others = _chosen(document, paths, posts, puts, path)
    operation = (puts if method == "PUT" else posts)[chosen]
    prefix = server_of(operation, paths[chosen], document)
    if len(prefix[1]) + len(chosen) > _LONGEST_PATH:
        raise UserError(f"the path of the create has more than {_LONGEST_PATH} characters")
    body = body_of(document, operation)
    securities, is_optional = _security(document, operation)
    shape = reply_shape(document, chosen, operation, paths, sent=body.schema)
    return CreateOperation(
        path=f"{prefix[1]}{chosen}",
        base_url=prefix[0],
        media_type=body.media_type,
        schema=body.schema,
        security=next(iter(securities), None),
        others=tuple(others),
        elsewhere=body.elsewhere,
        more_security=securities[1:],
        is_security_optional=is_optional,
        request_pointer=body.pointer,
        request_also=body.also or {},
        shape=replace(shape, read_path=f"{prefix[1]}{shape.read_path}" if shape.read_path else ""),
        parameters=parameters_of(document, paths[chosen], operation),
        method=method,
        notes=(*_unread_paths(document), *unread_files(document, body.elsewhere)),
        alternatives=body.alternatives,
        whole=body.whole,
        examples=body.examples,
        body_as=body.body_as,
    )


def _operations(paths: Mapping[str, Any], method: str) -> dict[str, Any]:
    return {name: item[method] for name, item in paths.items() if isinstance(item.get(method), dict)}


def _chosen(
    document: Document, paths: Mapping[str, Any], posts: Mapping[str, Any], puts: Mapping[str, Any], path: str | None
) -> tuple[str, str, list[str]]:
    """Method and path of the create, and the paths of others."""
    if path is None:
        candidates = _candidates(document, posts, paths)
        if candidates:
            return "POST", candidates[0], candidates[1:]
        creating = [name for name, one in puts.items() if "201" in as_object(one.get("responses"))]
        creating = [name for name in creating if _takes_json(document, puts[name])]
        if creating:
            return "PUT", creating[0], [f"PUT {name}" for name in creating[1:]]
        raise _no_create(document, posts, path)
    method, separator, rest = path.partition(" ")
    wanted, name = (method.upper(), rest.strip()) if separator and method.upper() in {"POST", "PUT"} else ("", path)
    if name in posts and wanted != "PUT":
        return "POST", name, []
    if name in puts and wanted != "POST":
        return "PUT", name, []
    raise _no_create(document, posts, path)


def _paths(document: Document) -> dict[str, Any]:
    """The path items; an operation may be a reference, too, as documents in several files have it."""
    found = {name: target_of(document, item) for name, item in as_object(document.get("paths")).items()}
    return {
        name: {key: target_of(document, one) if key in _METHODS else one for key, one in item.items()}
        for name, item in found.items()
        if isinstance(item, dict)
    }


def _candidates(document: Document, posts: Mapping[str, Any], paths: Mapping[str, Any]) -> list[str]:
    """The POSTs that may create: those that say 201, else all with JSON. First those that need no parent.

    A form is what creates only if the reply says so: logins and requests for tokens are forms as well.
    """
    with_own_paths = {other[:place] for other in paths for place in _ends_of_parents(other)}

    def order(name: str) -> tuple[bool, bool, bool]:
        return not _takes_json(document, posts[name]), "{" in name, name.rstrip("/") not in with_own_paths

    may = [
        name
        for name, operation in posts.items()
        if _takes_json(document, operation)
        or ("201" in as_object(operation.get("responses")) and not content_of(document, operation))
        or (_takes_form(document, operation) and _says_that_it_creates(document, name, operation))
    ]
    answering = [name for name in may if "201" in as_object(posts[name].get("responses"))]
    found = sorted(answering or may, key=order)
    alike = [name for name in found[:_MOST_LOOKED_AT] if order(name) == order(found[0])]
    first = next((name for name in alike if shows_id(document, name, posts[name])), None)
    return found if first is None else [first, *(name for name in found if name != first)]


def _ends_of_parents(path: str) -> list[int]:
    """Where the paths end behind which a variable stands in this one."""
    return [found.start() for found in re.finditer(r"/\{", path)]


def _takes_json(document: Document, operation: dict[str, Any]) -> bool:
    return bool(json_media_type(content_of(document, operation)))


def _takes_form(document: Document, operation: dict[str, Any]) -> bool:
    return form_of(content_of(document, operation))[1] != "json"


def _says_that_it_creates(document: Document, path: str, operation: dict[str, Any]) -> bool:
    return "201" in as_object(operation.get("responses")) or shows_id(document, path, operation)


def _no_create(document: Document, posts: Mapping[str, Any], path: str | None) -> UserError:
    known = listed([name[:_LONGEST_NAME] for name in sorted(posts)], _MOST_NAMED) or "none"
    hint = "; ".join([f"its POSTs: {known}", *_unread_paths(document)])
    kinds = dict.fromkeys(kind[:_LONGEST_NAME] for one in posts.values() for kind in content_of(document, one))
    if path is None and kinds:
        shown = listed([*kinds], _MOST_NAMED)
        return UserError(f"the document has no create with a JSON body or a form, only {shown}", hint=hint)
    return UserError(f"the document has no create{f' at {path}' if path else ''}", hint=hint)


def _unread_paths(document: Document) -> list[str]:
    """What is said of path items that are in files which were not read."""
    reasons = as_object(document.get(UNREAD))
    found = {
        name: reference
        for name, item in as_object(document.get("paths")).items()
        if isinstance(reference := as_object(item).get("$ref"), str) and not reference.startswith("#")
    }
    if not found:
        return []
    reference = next(iter(found.values()))
    shown = listed([name[:_LONGEST_NAME] for name in found], _MOST_NAMED)
    reason = reasons.get(reference, "it is in another document")
    return [f"not read: {shown}; {reference[:_LONGEST_NAME]}: {reason}"]


def _security(document: Document, operation: dict[str, Any]) -> tuple[tuple[dict[str, Any], ...], bool]:
    """The schemes of the first requirement that names any (all of one are needed), and whether none will do."""
    wanted = as_list(operation.get("security", document.get("security")))[:_MOST_REQUIREMENTS]
    schemes = as_object(as_object(document.get("components")).get("securitySchemes"))
    is_optional = any(one == {} for one in wanted)
    for requirement in wanted:
        named = [target_of(document, schemes.get(name)) for name in list(as_object(requirement))[:_MOST_REQUIREMENTS]]
        found = tuple(scheme for scheme in named if isinstance(scheme, dict))
        # A certificate goes with every kind of credential, and is none in the requests.
        found = tuple(sorted(found, key=lambda scheme: scheme.get("type") == "mutualTLS"))
        if found:
            return found, is_optional
    return (), is_optional
