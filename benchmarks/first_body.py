"""Whether the first body of every create of an OpenAPI document fits what the document says.

``python benchmarks/first_body.py FILE... [--only METHOD /PATH] [--show]``

For each create (a POST with a JSON body, and a PUT with one to a path that ends in a variable and may answer 201), the
profile is made as ``createflow run --openapi FILE --operation "POST /path"`` makes it, and the first body of it. An
independent validator, openapi-schema-validator, holds the bytes that would be sent to the document as it was written:
nothing of the project reads it for the judge. Each failure is one line that says why. The exit status is 1 if less than
95 % of them fit.
"""

# ruff: noqa: INP001, T201 - a script, not a module of the package
import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch
from urllib.parse import quote, unquote, urldefrag

import regress
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from openapi_schema_validator import OAS30WriteValidator, OAS31Validator, OAS32Validator
from openapi_schema_validator import _keywords as keywords
from referencing import Registry, Resource, Specification

from createflow.scenarios.bodies import bounded, generate
from createflow.scenarios.drafting.draft import draft_profile, files_beside
from createflow.scenarios.drafting.first_body import with_first_body
from createflow.scenarios.openapi.create_operation import find_create_operation
from createflow.scenarios.openapi.document import read_document
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target import contract
from createflow.schemas import profile_file
from createflow.schemas.error import UserError

ENOUGH_RATIO = 0.95
_SHOWN_CHARACTERS = 200


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """As JSON Schema Core 2020-12 §6.4 has it: ECMA-262 with Unicode."""
    if isinstance(value, str) and not regress.Regex(pattern, "u").find(value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_WRITING = {"required": keywords.write_required, "readOnly": keywords.write_readOnly, "pattern": _pattern}
"""As of OpenAPI 3.0, for later versions too: what only a server writes is neither sent nor needed."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One create of a document."""

    operation: str
    problem: str = ""
    """Why no body was made, or why it does not fit; empty where it fits."""
    body: str = ""


class WrittenDocument:
    """A document as it was written, for the judge."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.whole = _plain(file)
        self.version = str(self.whole.get("openapi", self.whole.get("swagger", "")))
        self._is_old = self.version.startswith(("2.", "3.0"))
        self._registry: Registry[Any] = Registry(retrieve=self._read)  # type: ignore[call-arg] # attrs: an alias
        later = OAS31Validator if self.version.startswith("3.1") else OAS32Validator
        self._kind = extend(OAS30WriteValidator if self._is_old else later, _WRITING)
        self._closed = extend(
            self._kind, {"unevaluatedProperties": Draft202012Validator.VALIDATORS["unevaluatedProperties"]}
        )

    def creates(self) -> Iterator[tuple[str, str]]:
        """Method and path of each create, with the pointer to the schema of its body in ``schema_of``."""
        for path, item in self.whole.get("paths", {}).items():
            at, found = self._target(item, self.file.as_uri())
            for method in ("post", "put"):
                _, operation = self._target(found.get(method) if isinstance(found, dict) else None, at)
                if not isinstance(operation, dict) or self.schema_of(method, path) is None:
                    continue
                answers = {str(status) for status in operation.get("responses", {})}
                if method == "post" or (path.rstrip("/").endswith("}") and "201" in answers):
                    yield method.upper(), path

    def schema_of(self, method: str, path: str) -> str | None:
        """The address of the schema of the JSON body; ``None`` where it has none."""
        at, item = self._target(self.whole["paths"][path], f"{self.file.as_uri()}#/paths{_token(path)}")
        at, operation = self._target(item[method.lower()], f"{at}/{method.lower()}")
        if self.version.startswith("2."):
            return self._schema_of_swagger(item, operation, at)
        if "requestBody" not in operation:
            return None
        at, body = self._target(operation["requestBody"], f"{at}/requestBody")
        content = body.get("content", {})
        kinds = [kind for kind in content if "json" in kind.lower()] or [kind for kind in content if kind == "*/*"]
        first = min(kinds, key=lambda kind: kind.partition(";")[0] != "application/json", default=None)
        if first is None or "schema" not in content[first]:
            return None
        return f"{at}/content{_token(first)}/schema"

    def _schema_of_swagger(self, item: dict[str, Any], operation: dict[str, Any], at: str) -> str | None:
        kinds = operation.get("consumes", self.whole.get("consumes")) or ["application/json"]
        if not any("json" in kind or kind == "*/*" for kind in kinds):
            return None
        for level, place in ((operation, at), (item, at.rpartition("/")[0])):
            for number, one in enumerate(level.get("parameters", ())):
                where, parameter = self._target(one, f"{place}/parameters/{number}")
                if parameter.get("in") == "body" and "schema" in parameter:
                    return f"{where}/schema"
        return None

    def misfit(self, address: str, body: Any) -> str:
        """Why a body does not fit the schema at an address; empty where it does.

        A member that neither the schema names nor an example has was made up: that is no fit either.
        """
        known = self._in_examples(address)
        address = self._kind_of(address, body)
        validator = self._kind({"$ref": address}, registry=self._registry, format_checker=self._kind.FORMAT_CHECKER)
        closed = self._closed({"$ref": address, "unevaluatedProperties": False}, registry=self._registry)
        try:
            error = next(iter(validator.iter_errors(body)), None)
            if error is None and isinstance(body, dict):
                rest = {name: value for name, value in body.items() if name not in known}
                unnamed = (one for one in closed.iter_errors(rest) if one.validator == "unevaluatedProperties")
                error = next(unnamed, None)
        except (RecursionError, regress.RegressError) as problem:
            return f"the judge: {problem}"
        if error is None:
            return ""
        place = "/".join(map(str, error.absolute_path))
        return f"/{place}: {error.message} ({error.validator})"

    def _kind_of(self, address: str, body: Any) -> str:
        """The address of the schema that the discriminator of a base names."""
        at, schema = self._target(self._registry.resolver().lookup(address).contents, address)
        discriminator = schema.get("discriminator", {}) if isinstance(schema, dict) else {}
        if "mapping" not in discriminator or {"oneOf", "anyOf"} & schema.keys() or not isinstance(body, dict):
            return address
        reference = discriminator["mapping"].get(body.get(discriminator["propertyName"]))
        return address if reference is None else f"{urldefrag(at)[0]}{reference}"

    def _in_examples(self, address: str) -> set[str]:
        """The members that examples beside the schema have."""
        at, _, _ = address.rpartition("/")
        media = self._registry.resolver().lookup(at).contents
        if not isinstance(media, dict):
            return set()
        named = {name: f"{at}/examples{_token(name)}" for name in media.get("examples", {})}
        values = [self._target(media["examples"][name], place)[1].get("value") for name, place in named.items()]
        values.append(media.get("example"))
        return {name for value in values if isinstance(value, dict) for name in value}

    def _target(self, value: Any, at: str) -> tuple[str, Any]:
        while isinstance(value, dict) and "$ref" in value:
            file, fragment = urldefrag(value["$ref"])
            base = urldefrag(at)[0]
            at = f"{_joined(base, file)}#{fragment}"
            value = self._registry.resolver().lookup(at).contents
        return at, value

    def _read(self, address: str) -> Resource[Any]:
        whole = self.whole if address == self.file.as_uri() else _plain(Path(unquote(address.removeprefix("file://"))))
        return Resource(contents=whole, specification=Specification.OPAQUE)


def _joined(base: str, file: str) -> str:
    if not file:
        return base
    return (Path(unquote(base.removeprefix("file://"))).parent / file).resolve().as_uri()


def _token(name: str) -> str:
    return "/" + quote(name.replace("~", "~0").replace("/", "~1"), safe="~")


class _Plain(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # chosen when it runs
    """Plain values as YAML 1.2.2 §10.3.2 has them: ``no`` and a date are texts."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Plain.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"^(?:{_pattern})$"), _first)
_Plain.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))


def _plain(file: Path) -> Any:
    text = file.read_text(encoding="utf-8-sig")
    return json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=_Plain)  # noqa: S506 - safe


def judged(file: Path, only: str = "") -> Iterator[Judgement]:
    """Each create of a document, with the judgement of its first body."""
    written = WrittenDocument(file.resolve())
    document = read_document(str(file))
    for method, path in written.creates():
        name = f"{method} {path}"
        if only and name != only:
            continue
        address = written.schema_of(method, path)
        try:
            raw = first_body(document, name)
        except (UserError, Inconclusive) as error:
            yield Judgement(name, f"no body: {error}")
            continue
        problem = written.misfit(str(address), json.loads(raw))
        yield Judgement(name, problem, raw.decode())


def first_body(document: dict[str, Any], operation: str) -> bytes:
    """The bytes of the first create, as a run would send them."""
    found = with_first_body(find_create_operation(document, operation))
    if found.problem:
        raise UserError(found.problem)
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "createflow.toml"
        profile.write_text(draft_profile(found, base_url="http://127.0.0.1:1"), encoding="utf-8")
        for name, text in files_beside(found).items():
            (profile.parent / name).write_text(text, encoding="utf-8")
        names = dict.fromkeys(("CREATEFLOW_SECOND_KEY",), "x")
        made = contract.Contract(profile_file.load(profile, names).target)
        return made.raw if made.raw is not None else made.wire_format.encode(made.document())


@contextmanager
def one_process() -> Iterator[None]:
    """Make and judge bodies here: a process for each of a thousand creates would take an hour."""

    def misfits(schema: dict[str, Any], values: Sequence[Any]) -> list[str]:
        try:
            return generate.misfits(schema, values)
        except ValueError as error:
            raise Inconclusive(str(error)) from None

    def valid_body(schema: dict[str, Any]) -> dict[str, Any]:
        try:
            return generate.first_valid_body(schema)
        except (ValueError, RecursionError) as error:
            raise Inconclusive(str(error)[:_SHOWN_CHARACTERS]) from None

    with ExitStack() as stack:
        for module in (contract, bounded):
            stack.enter_context(patch.object(module, "misfits_at_once", misfits))
            stack.enter_context(patch.object(module, "valid_body_at_once", valid_body))
        yield


def main() -> None:
    """Print a line for each failure, one for each document, and the sum."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--only", default="", metavar="'POST /PATH'", help="this create only")
    parser.add_argument("--show", action="store_true", help="print every body")
    arguments = parser.parse_args()
    right = total = 0
    for file in arguments.files:
        with one_process():
            found = list(judged(file, arguments.only))
        for one in found:
            if one.problem:
                print(f"  {one.operation}: {' '.join(one.problem.split())[: _SHOWN_CHARACTERS * 2]}")
            if arguments.show:
                print(f"  {one.operation}: {one.body}")
        fits = sum(not one.problem for one in found)
        print(f"{file}: {fits} of {len(found)}", flush=True)
        right, total = right + fits, total + len(found)
    print(f"{right} of {total} first bodies fit ({100 * right / max(total, 1):.1f} %)")
    sys.exit(0 if right >= ENOUGH_RATIO * total else 1)


if __name__ == "__main__":
    main()
