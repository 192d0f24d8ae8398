"""What the schema allows is accepted; everything else is refused, and the refusal names the fields."""

import json
from typing import Any

from createflow.scenarios.checks.support.every_method import writes_of
from createflow.scenarios.checks.support.fixtures import created, fits_schema, positive_controls
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_status, expect_unreadable
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared, Prevented
from createflow.scenarios.target.contract import NO_SCHEMA
from createflow.scenarios.target.probes import Target
from createflow.schemas.flow import Step

_LONGEST_TESTED = 100_000
_WRONG: dict[str, list[Any]] = {
    "string": [1, True, None, ["x"], {"x": 1}],
    "integer": ["1", True, None, 1.5],
    "number": ["1", True, None],
    "boolean": ["true", 1, None],
    "object": ["{}", 1, None, []],
    "array": ["[]", 1, None, {}],
}
_ODD_NAME = "a/b~c"
_ODD_POINTER = "/a~1b~0c"


@check(step=Step.VALIDATION, source="contract: invalid-400; the target's schema", catches="no_validation")
async def missing_name_is_400(target: Target) -> None:
    """A body without a required field is refused with 400, in a create and in an update."""
    required = target.contract.required
    if not required:
        raise NotDeclared("the schema requires no field")
    async with positive_controls(target):
        made = await created(target)
        for name in required:
            body = target.contract.document()
            del body[name]
            for write, reply in await writes_of(target, made, body):
                expect_status(reply, 400, of=f"{write} without {name}")


@check(
    step=Step.VALIDATION,
    source="contract: validation; contract: invalid-400; the target's schema",
    catches="types_unchecked",
)
async def wrong_types_are_400(target: Target) -> None:
    """A value of a wrong JSON type is refused with 400, for every field, and so is a body that is no object."""
    async with positive_controls(target):
        for name, schema in target.contract.properties.items():
            for wrong in _WRONG.get(str(schema.get("type")), []):
                reply = await target.create(target.contract.document(**{name: wrong}))
                expect_status(reply, 400, of=f"{name} = {json.dumps(wrong)}")
        if not target.contract.has_schema:
            raise NotDeclared(NO_SCHEMA)
        made = await created(target)
        for text in (b"[]", b'"text"', b"1", b"null", b"true"):
            for write, reply in await writes_of(target, made, text):
                expect_status(reply, 400, of=f"{write} of {text.decode()}")


@check(step=Step.VALIDATION, source="contract: validation; JSON Schema validation §6.3.1", catches="length_off_by_one")
async def length_bound_is_exact(target: Target) -> None:
    """A text of exactly the maximum length is accepted and one longer is refused, counted in code points.

    Why: "😀" is one character, but two units in UTF-16 and four bytes in UTF-8.
    """
    name = target.contract.fields.name
    longest = target.contract.max_length(name)
    if longest is None or longest > _LONGEST_TESTED:
        raise NotDeclared(f"the schema has no testable maxLength for {name}")
    texts = {
        letter: target.contract.nonce_in(target.contract.document()).ljust(longest, letter)
        for letter in ("x", "é", "\U0001f600")
    }
    bodies = [target.contract.document(**{name: text}) for text in texts.values()]
    allowed = await fits_schema(target.contract, bodies)
    if not any(allowed):
        raise NotDeclared(f"the schema does not take every text of {longest} code points in {name}")
    for (letter, full), body, is_allowed in zip(texts.items(), bodies, allowed, strict=True):
        if not is_allowed:
            continue
        reply = await target.create(body)
        expect(
            reply.accepted,
            f"a {name} of {longest} code points ending in {letter!r} accepted",
            str(reply.status),
            reply,
        )
        reply = await target.create(target.contract.document(**{name: full + letter}))
        expect_status(reply, 400, of=f"a {name} of {longest + 1} code points ending in {letter!r}")


@check(
    step=Step.VALIDATION,
    source="contract: validation; OWASP API3:2023; the target's schema",
    catches=("unknown_fields_stored", "update_drops_own_fields"),
)
async def unknown_field_is_400(target: Target) -> None:
    """A field that the schema does not have is refused with 400.

    Why: a field that is silently dropped was meant by the client, and one that is silently stored may be trusted later.
    """
    if not target.contract.is_closed:
        raise NotDeclared("the schema allows additional properties")
    async with positive_controls(target):
        for name in ("unknown_field", "is_admin"):
            reply = await target.create(target.contract.document(**{name: True}))
            expect_status(reply, 400, of=f"a body with the field {name}")
        if not (target.contract.is_promised and target.contract.update):
            return  # others may take back in an update what a read has shown
        made = await created(target)
        for name in sorted({"unknown_field", *made.shown} - set(target.contract.properties)):
            reply = await target.update(made.url, target.contract.document(**{name: made.shown.get(name, True)}))
            expect_status(reply, 400, of=f"an update with the field {name}")


@check(step=Step.VALIDATION, source="contract: invalid-400; the target's schema", catches="broken_json_crashes")
async def broken_json_is_400(target: Target) -> None:
    """A body that is not JSON in UTF-8, or cannot be stored, is refused with 400 and never causes a server error."""
    if not target.contract.has_schema:
        raise NotDeclared(NO_SCHEMA)
    good = json.dumps(target.contract.document()).encode()
    name = target.contract.fields.name
    forms = {
        "truncated": good[:-1],
        "empty": b"",
        "followed by garbage": good + b"x",
        "with invalid UTF-8": _with(target, name, b'"\xff\xfe"'),
        "nested 2,000 deep": b"[" * 2000 + b"]" * 2000,
    }
    if target.contract.promises.strict_json:  # RFC 8259 §9: a parser may take extensions
        forms |= {
            "with a comma too many": good[:-1] + b",}",
            "with NaN": _with(target, name, b"NaN"),
            "with single quotes": _with(target, name, b"'x'"),
        }
    if target.contract.is_promised:  # grammatical JSON (RFC 8259 §8.2), which others may take
        forms |= {
            "with a lone surrogate": _with(target, name, rb'"\ud800"'),
            "with an escaped NUL": _with(target, name, rb'"a\u0000b"'),
        }
    async with positive_controls(target):
        made = await created(target)
        for form, body in forms.items():
            for write, reply in await writes_of(target, made, body):
                expect_unreadable(reply, f"{write} with a body {form}")


@check(
    step=Step.VALIDATION,
    source="contract: validation; RFC 7493 §2.3",
    catches=("broken_json_crashes", "updates_keep_last_key"),
    needs=(Need.UNIQUE_KEYS,),
)
async def duplicate_key_is_400(target: Target) -> None:
    """A body with a duplicate key is refused with 400, in a create and in an update.

    Why: parsers differ in which of the two values they keep, so the validated value may not be the stored one.
    """
    good = target.contract.document()
    name = target.contract.fields.name
    twice = f'{{"{name}": "first", {json.dumps(good)[1:]}'.encode()
    async with positive_controls(target):
        for write, reply in await writes_of(target, await created(target), twice):
            expect_unreadable(reply, f"{write} with {name} twice")


@check(
    step=Step.VALIDATION,
    source="contract: invalid-400; RFC 6901 §3",
    catches=("first_error_only", "pointer_unescaped"),
    needs=(Need.ERROR_PLACES,),
)
async def every_error_is_named(target: Target) -> None:
    """The refusal of a body with several invalid fields names every one of them.

    Where our own contract is promised, a name with ``/`` and ``~`` is escaped in the JSON Pointer to it.
    """
    bad = {
        name: _WRONG[schema["type"]][0]
        for name, schema in target.contract.properties.items()
        if str(schema.get("type")) in _WRONG
    }
    if len(bad) < 2:
        raise NotDeclared("the schema has fewer than two fields with a simple type")
    async with positive_controls(target):
        reply = await target.create(target.contract.document(**bad))
        expect_status(reply, 400, of=f"a body with wrong {', '.join(bad)}")
        if reply.document is None and reply.media_type != target.contract.errors.media_type:
            raise Prevented("response.errors_are_problem_json", f"a refusal is {reply.media_type or 'of no type'}")
        if reply.document is None:
            raise Expectation("a JSON object that names the bad fields", reply.media_type or "something else")
        named = _strings_in(reply.document)
        missing = [name for name in bad if not any(name in text for text in named)]
        expect(not missing, f"{', '.join(bad)} named in the 400", f"no word of {', '.join(missing)}", reply)
        if target.contract.is_promised:
            reply = await target.create(target.contract.document(**{_ODD_NAME: True}))
            expect_status(reply, 400, of=f"a body with the field {_ODD_NAME}")
            # As a part of a URI (RFC 6901 §6) a pointer begins with #.
            named = [text.removeprefix("#") for text in _strings_in(reply.document)]
            expect(_ODD_POINTER in named, f"the pointer {_ODD_POINTER}", ", ".join(named[:20]), reply)


def _with(target: Target, name: str, raw: bytes) -> bytes:
    """A valid body, except that one field's value is these bytes."""
    marker = "a-value-to-be-replaced"
    body = json.dumps(target.contract.document(**{name: marker})).encode()
    quoted = json.dumps(marker).encode()
    if quoted not in body:
        raise Inconclusive("no body with a broken value could be made")
    return body.replace(quoted, raw, 1)


def _strings_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (str(key), *_strings_in(item))]
    return [text for item in value for text in _strings_in(item)] if isinstance(value, list) else []
