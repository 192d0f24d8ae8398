"""The create body as the target's schema describes it, and valid bodies of it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from createflow.scenarios.bodies.bounded import misfits_at_once, valid_body_at_once
from createflow.scenarios.bodies.example import example_of
from createflow.scenarios.bodies.form_body import rules_of_value
from createflow.scenarios.bodies.markers import Texts, TooFew, fitted_texts, note_word, ordinary_texts
from createflow.scenarios.bodies.schema_file import read_schema
from createflow.scenarios.bodies.template import Values, filled, made_values
from createflow.scenarios.bodies.unique_values import UniqueValues, rules_of
from createflow.scenarios.bodies.varied_values import VARIANTS, enlarge, varied_fields, varied_metadata, vary_name
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.target.location import Origins
from createflow.scenarios.target.representation import HEADER, WireFormat
from createflow.scenarios.text.json_schema import opened, schema_of_member, without_write_only
from createflow.schemas.error import UserError
from createflow.schemas.profile_promises import Promises
from createflow.schemas.profile_section import names_in
from createflow.schemas.profile_target import Errors, Target
from createflow.schemas.reading.bounded_file import read_bounded
from createflow.schemas.reading.bounded_json import parse_json
from createflow.schemas.wire import wire_schema

_MOST_BYTES = 1024 * 1024
_MOST_PARTS = 100_000
_TELLING = {"marker", "uuid", "counter"}
"""What makes a text of a template another one in each body."""
_MOST_EXAMPLES = 10
_SHOWN = {"const", "default", "enum", "examples"}
_SCHEMA_HINT = 'add "examples": [ a whole valid body ] to the schema, or target.body to the profile'
NO_SCHEMA = "`target.schema_file` is not configured"


@dataclass(frozen=True, slots=True)
class _Form:
    """How a new body is made."""

    template: dict[str, Any]
    name: Texts
    marks_metadata: bool = True
    """Free metadata contain the nonce as well."""


class FieldNames:
    """The names of the fields of a representation. One that the target does not show raises NotDeclared."""

    def __init__(self, target: Target) -> None:
        self._fields = target.fields
        self.id = target.fields.id
        self.name = target.fields.name
        self.has_name = True
        """The body has a text in the field, or gets one; exact bytes may be without it."""

    @property
    def created_at(self) -> str:
        """The time of creation."""
        place = self._fields.created_at
        if not place or place.lower() == f"{HEADER}date":
            raise NotDeclared("`target.fields.created_at` is not in the representation")
        return place

    @property
    def created_by(self) -> str:
        """The creator."""
        if not self._fields.created_by:
            raise NotDeclared("`target.fields.created_by` is not configured")
        return self._fields.created_by

    def declared(self) -> tuple[str, ...]:
        """The fields that the target shows: id and name, and creation time and creator where the profile names them."""
        shown = [self.id, self.name] if self.has_name else [self.id]
        for field in ("created_at", "created_by"):
            try:
                shown.append(getattr(self, field))
            except NotDeclared:
                continue
        return tuple(shown)


class Contract:
    """The schema of the create body, and how bodies are made.

    Args:
        target: the ``[target]`` of the profile.
        promises: its ``[promises]``.
        awaited: names of variables that ``bind`` will give a value. A body that needs one is made only then.

    Raises:
        UserError: the schema or the body cannot be read, or a required field needs an example.
    """

    def __init__(self, target: Target, promises: Promises | None = None, *, awaited: Collection[str] = ()) -> None:
        self.promises = promises or Promises()
        self.fields = FieldNames(target)
        self.wire_format = WireFormat(target)
        self.update = target.update
        self.delete = target.delete
        self.versions = target.versions
        self.conditional_updates = target.conditional_updates
        self.unique_name = target.unique_name
        self.private = target.private
        self.idempotency = target.idempotency
        self.method = target.method
        self.has_location = not target.read_path
        """Otherwise the profile says where a resource is, for targets that do not (RFC 9110 §15.3.2)."""
        self.media_type = target.content_type
        self.max_body_bytes = target.max_body_bytes
        self.errors: Errors = target.errors
        self.origins = _origins(target)
        self.idempotency_policy = target.idempotency_policy
        self.idempotency_kept_s = target.idempotency_kept_s
        self.raw = _bytes(target.body_file)
        """The exact bytes of every create, where the profile gives them."""
        own_body = target.body is not None or self.raw is not None
        self.is_default = target.schema_file is None and not own_body
        """Body and representation have the schemas of the createflow write contract."""
        self.is_promised = self.is_default and self.promises.contract
        """The profile promises all of that contract, and not only the schema of the create."""
        self.has_schema = target.schema_file is not None or self.is_default
        """Without a schema only one valid body is known."""
        self.schema = self._read_schema(target)
        # ``true`` is a schema, which allows everything.
        self.properties: dict[str, Any] = {
            name: schema if isinstance(schema, dict) else {}
            for name, schema in self.schema.get("properties", {}).items()
        }
        self._write_only = frozenset(target.fields.write_only)
        self._has_write_only = "writeOnly" in repr(self.schema)
        self.wire_format.schema = self.schema or rules_of_value(_own_body(target))
        self.is_closed = self.schema.get("additionalProperties") is False
        self._taken: dict[str, bool] = {}
        self._fitting_variants = frozenset(range(VARIANTS))
        self._counter = 0
        self._kept = frozenset(target.fields.unique) | {
            name for name, value in (target.body or {}).items() if any(names_in(value))
        }
        """Keys whose values no check may replace by others that the schema allows."""
        self._variables: Values = {}
        self._target = target
        self.is_awaiting = target.body is not None and not set(awaited).isdisjoint(names_in(target.body))
        """Its bodies have values that only set-up requests tell, and are not known before ``bind``."""
        self._ordinary, self._alone = ordinary_texts()
        self._form = _Form(self._simple() if self.is_default else _own_body(target), self._ordinary)
        self.fields.has_name = self.raw is None or isinstance(self._form.template.get(self.fields.name), str)
        self._unique = UniqueValues({}, (), {}, self._misfits_of)
        if not self.is_awaiting:
            self._decide()

    @property
    def is_carried_out_later(self) -> bool:
        """Creates are answered 202; checks see a 201 with what a read of the resource shows."""
        return self._target.accepted is not None

    @property
    def has_partial_replies(self) -> bool:
        """The reply to a write need not show every field, or shows what a later read does."""
        return self._target.reply == "partial" or self.is_carried_out_later

    def bind(self, variables: Values) -> None:
        """Make bodies with these values from now on: the run's id and what set-up requests captured.

        Raises:
            UserError: the body that the profile gives does not fit the schema with them.
        """
        self._variables = variables
        if self.is_awaiting:
            self.is_awaiting = False
            self._decide()

    def _decide(self) -> None:
        """Decide how bodies are made, and what may vary in them."""
        self._unique = UniqueValues(self.schema, self._target.fields.unique, self._form.template, self._misfits_of)
        if self.schema and not self.is_default:
            self._form = self._fitting_form(self._target)
            self._fitting_variants = self._fitting()

    @property
    def required(self) -> list[str]:
        """The required fields. Raises NotDeclared without a schema."""
        if not self.has_schema:
            raise NotDeclared(NO_SCHEMA)
        return list(self.schema.get("required", []))

    def max_length(self, name: str) -> int | None:
        """The maximum length of a field in code points, where the schema has one."""
        limit = self.properties.get(name, {}).get("maxLength")
        # 3.0 is an integer as well (JSON Schema Core 2020-12 §4.2.3).
        return int(limit) if isinstance(limit, (int, float)) else None

    def document(self, **changes: Any) -> dict[str, Any]:
        """A new valid body: its name, and its metadata where it has any, contain a new nonce.

        Raises:
            Inconclusive: the form of the name allows no more bodies that differ.
            NotDeclared: the name shall be another, and the exact bytes of the profile have none.
        """
        if self.fields.name in changes and not self.fields.has_name:
            raise NotDeclared(f"the body has no field {self.fields.name}, whose text could be another")
        try:
            return {**self._new(self._form), **changes}
        except TooFew as few:
            raise Inconclusive(f"no more bodies can be made: {few}") from None

    @property
    def names_itself(self) -> bool:
        """The body of the profile has a name that differs in each create, by ``{marker}`` for example."""
        own = self._form.template.get(self.fields.name) if self._target.body is not None else None
        return isinstance(own, str) and not _TELLING.isdisjoint(names_in(own))

    def template(self, made: Values) -> dict[str, Any]:
        """A body with these values in place of what each gets anew. Its name and unique keys are for the caller."""
        body = self.document()
        if self._target.body is None:
            return body
        return {**body, **filled(self._form.template, {**self._variables, **made})}

    def numbered(self, texts: Sequence[str], number: str, first: Callable[[str], str]) -> dict[str, str]:
        """For each key whose values all differ, what stands for the value of one of many bodies.

        Args:
            texts: with a number in each.
            number: stands for a number.
            first: a text with the first number.

        Raises:
            UserError: none of the texts fits the schema of a key.
        """
        return self._unique.numbered(texts, number, first)

    def _new(self, form: _Form) -> dict[str, Any]:
        if self.raw is not None:
            return dict(form.template)
        self._counter += 1
        field, template = self.fields.name, form.template
        text = form.name.new()
        word = text.rpartition(" ")[2]
        body = dict(template)
        if self._target.body is not None:
            body = dict(filled(template, {**self._variables, **made_values(word, self._counter)}))
        if self._target.body is not None and not _TELLING.isdisjoint(names_in(template.get(field))):
            note_word(str(body[field]))
        else:
            limit = self.max_length(field)
            body[field] = text if limit is None or len(text) <= limit else word[:limit]
        body |= self._unique.of(self._counter)
        if form.marks_metadata and self._is_free_object("metadata"):
            body["metadata"] = {"createflow": word}
        return body

    def varied(self, number: int) -> dict[str, Any]:
        """A new valid body whose values are of other types and lengths than those of the next numbers.

        What only our own contract promises (outer spaces, compatibility characters, integers beyond 2^53 stay as they
        are) is sent only where the target is declared to keep it.
        """
        body = self.document()
        if self.raw is not None or not self.has_schema or number % VARIANTS not in self._fitting_variants:
            return body
        name = self.fields.name
        values = varied_metadata(number, is_ours=self.is_default)
        if values and self._is_free_object("metadata"):
            body["metadata"] = body.get("metadata", {}) | values
        if self.is_default:
            vary_name(body, number, name)
        if self.is_promised:
            enlarge(body, number, name, longest=self.max_length(name) or 0)
        others = {key: schema for key, schema in self._replaceable() if key != name}
        lengths = {key: self.max_length(key) for key in others}
        return body | varied_fields(others, lengths, number, is_ours=self.is_default)

    def _replaceable(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The properties whose values can be any that the schema allows."""
        return ((name, schema) for name, schema in self.properties.items() if name not in self._kept)

    def with_own_values(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body with a name of its own, and with the values that must be real or unique."""
        made = self.document()
        kept = {self.text_field, *self._kept}
        return {**body, **{name: value for name, value in made.items() if name in kept}}

    @property
    def text_field(self) -> str:
        """The field with each create's own text; empty where the profile gives the exact bytes of every create."""
        return self.fields.name if self.raw is None else ""

    def written_key(self, key: str) -> str:
        """An Idempotency-Key as the target takes it; one that begins with a quote stays as it is."""
        is_bare = self._target.idempotency_key_form == "bare" or key.startswith('"')
        return key if is_bare else f'"{key}"'

    def shown(self, body: Any) -> Any:
        """What replies and copies show of a body: everything but its write-only properties, at every depth.

        An object inside it to which the target may add members of its own is open.
        """
        shown = without_write_only(self.schema, body) if self._has_write_only else body
        if not isinstance(shown, dict):
            return shown
        shown = {name: value for name, value in shown.items() if name not in self._write_only}
        return {name: self.opened((name,), value) for name, value in shown.items()}

    def opened(self, path: Sequence[str], value: Any) -> Any:
        """A value of a body, with each object in it open to which the target may add members.

        Args:
            path: the keys of the body that lead to it.
            value: as it was sent.
        """
        schema = self.schema if self.has_schema else None
        for name in path:
            schema = schema_of_member(schema, name, self.schema)
        return opened(schema, value, self.schema)

    def name_in(self, body: Mapping[str, Any]) -> str:
        """The name in a body. Raises NotDeclared when it has none."""
        if self.fields.name not in body or not self.fields.has_name:
            raise NotDeclared(f"the body has no text {self.fields.name}, by which rows are found")
        return str(body[self.fields.name])

    def nonce_in(self, body: dict[str, Any]) -> str:
        """The nonce in the name of a body."""
        return self.name_in(body).split()[-1]

    def _is_free_object(self, name: str) -> bool:
        schema = self.properties.get(name, {})
        return schema.get("type") == "object" and not schema.get("required") and "properties" not in schema

    def takes_name(self, name: str) -> bool:
        """Whether a body with this name fits the schema.

        Raises:
            UserError: the schema cannot be used.
        """
        if self.is_default:
            return len(name) <= (self.max_length(self.fields.name) or len(name))
        if name not in self._taken:
            self._taken[name] = not self.misfits([self.document(**{self.fields.name: name})])[0]
        return self._taken[name]

    def misfits(self, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
        """For each body, why it does not fit the schema; empty where it fits, or where no schema is known.

        Raises:
            UserError: the schema cannot be used.
        """
        if not self.schema:
            return [""] * len(bodies)
        return self._misfits_of(self.schema, bodies)

    def _misfits_of(self, schema: dict[str, Any], bodies: Sequence[Mapping[str, Any]]) -> list[str]:
        try:
            return misfits_at_once(schema, bodies)
        except Inconclusive as error:
            raise UserError(f"{self._source}: {error}", hint=_SCHEMA_HINT) from None

    def _read_schema(self, target: Target) -> dict[str, Any]:
        self._source = target.schema_file or "the schema of the contract"
        if target.schema_file is not None:
            return read_schema(target.schema_file)
        return wire_schema("create_request") if self.is_default else {}

    def _fitting_form(self, target: Target) -> _Form:
        """The first form of a body that fits the schema.

        Raises:
            UserError: there is none; the message names a field and a keyword.
        """
        if target.body is not None or self.raw is not None:
            source = "target.body" if target.body is not None else target.body_file
            return self._first_fitting([_own_body(target)], f"{source} does not fit {self._source}")
        examples = [one for one in self.schema.get("examples", ())[:_MOST_EXAMPLES] if isinstance(one, dict)]
        try:
            return self._first_fitting([*examples, self._simple()], "of the simplest body")
        except UserError as simple:
            made = self._generated(str(simple))
            return self._first_fitting([made], f"no body can be made that fits {self._source}")

    def _first_fitting(self, templates: Sequence[dict[str, Any]], problem: str) -> _Form:
        forms = [_Form(*parts) for parts in product(templates, (self._ordinary, self._alone), (True, False))]
        found = self._problems([self._new(form) for form in forms])
        name = self.fields.name
        if "" not in found:
            rules = rules_of(self.schema, name)
            others = [
                _Form(template, texts, marks)
                for template in templates[:_MOST_EXAMPLES]
                for texts in fitted_texts(rules, template.get(name))
                for marks in (True, False)
            ]
            found += self._problems([self._new(form) for form in others])
            forms += others
        if "" in found:
            return forms[found.index("")]
        is_name = all(reason.startswith((f"/{name}:", f"/{name} ")) for reason in found)
        wants_other = f"{name} must differ in all creates; another field: [target.fields] name = ..."
        raise UserError(f"{problem}: {found[0]}", hint=wants_other if is_name else _SCHEMA_HINT)

    def _problems(self, bodies: Sequence[dict[str, Any]]) -> list[str]:
        """For each body, why it does not fit the schema or cannot be sent; empty where it can."""
        unsaid = "a form cannot say it (target.body_as)"
        found = self.misfits(bodies)
        return [why or ("" if self.wire_format.says(body) else unsaid) for why, body in zip(found, bodies, strict=True)]

    def _fitting(self) -> frozenset[int]:
        """The variants that fit the schema; all of exact bytes, which do not vary."""
        found = self._problems([self.varied(number) for number in range(VARIANTS)])
        return frozenset(number for number, problem in enumerate(found) if not problem)

    def _simple(self) -> dict[str, Any]:
        needed = self.schema.get("required", ())
        # An optional object is left out unless the schema shows one: what is in it may have to exist.
        kept = {
            name: one
            for name, one in self.properties.items()
            if name in needed or one.get("type") != "object" or _SHOWN & one.keys()
        }
        made = {name: example_of(schema) for name, schema in kept.items()}
        return {name: value for name, value in made.items() if value is not None}

    def _generated(self, simple: str) -> dict[str, Any]:
        try:
            return valid_body_at_once(self.schema)
        except Inconclusive as error:
            raise UserError(f"{self._source}: {error}; {simple}", hint=_SCHEMA_HINT) from None


def _own_body(target: Target) -> dict[str, Any]:
    """The body that the profile gives; empty when it gives none."""
    if target.body is not None:
        return dict(target.body)
    return _document(_bytes(target.body_file) or b"")


def _origins(target: Target) -> Origins:
    try:
        return Origins.of(target.base_url, target.location_origins)
    except ValueError as error:
        raise UserError(
            f"target.base_url or target.location_origins: {error}",
            hint="scheme, host and port: https://api.example.com:8443",
        ) from None


def _bytes(file: str | None) -> bytes | None:
    return read_bounded(Path(file), _MOST_BYTES) if file is not None else None


def _document(raw: bytes) -> dict[str, Any]:
    """The JSON object that the bytes are; empty when they are none, or one that is too large to look at."""
    try:
        document = parse_json(raw.decode("utf-8"), most_parts=_MOST_PARTS)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
