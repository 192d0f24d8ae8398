"""The reply and every read show what was sent."""

import unicodedata
from typing import Any

from createflow.scenarios.bodies.markers import nonce
from createflow.scenarios.checks.api.validation.limits import free_object
from createflow.scenarios.checks.support.fixtures import created, fits_schema, lasting, positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_same_fields
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.target.probes import Target
from createflow.scenarios.text.in_json import in_json
from createflow.scenarios.text.json_equality import same_json
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_TEXTS = {
    "emoji": "\U0001f469\u200d\U0001f52c \U0001f1eb\U0001f1ee \U0001f600",
    "right-to-left text": "שלום مرحبا",
    "a combining mark": "cafe\u0301",
    "several scripts": "日本語 Ελληνικά हिन्दी ไทย",
    "a backslash and quotes": "\\n \\u0041 \"'",
}
_STRICT_TEXTS = {
    "compatibility characters": "\ufb01 \u2460 \uff21 \u00b2 \u210c",
    "inner spaces and tabs": "two  spaces, a\ttab, a no-break\u00a0space",
    "upper and lower case": "MiXeD Stra\u00dfe \u0130",
}
"""Only our own contract promises that these stay as they are: other targets may fold text that people search for."""
_VALUES: dict[str, Any] = {
    "2^53 - 1": 2**53 - 1,
    "2^53": 2**53,
    "-(2^53 - 1)": -(2**53 - 1),
    "zero": 0,
    "a fraction": 0.5,
    "true": True,
    "null": None,
    "an empty text": "",
    "an empty object": {},
    "an empty list": [],
    "nested values": {"a": [1, {"b": [None, False, {"c": "d"}]}]},
    "a key with dots and dollars": {"a.b": 1, "$c": 2, "": 3},
}
_PROTECTED = ("id", "created_at", "updated_at", "version", "role", "roles", "tenant", "owner", "is_admin", "deleted")


@check(
    step=Step.RESPONSE,
    source="contract: normalisation",
    repeats=("validation.markup_is_treated_alike",),
    catches=("quotes_doubled", "loses_emoji", "folds_compatibility"),
)
async def text_comes_back_as_sent(target: Target) -> None:
    """Text in every script comes back as sent, in the reply and in a read; its NFC form counts as equal."""
    name = target.contract.fields.name
    texts = {**_TEXTS, **(_STRICT_TEXTS if target.contract.is_promised else {})}
    bodies = [target.contract.document(**{name: f"{nonce()} {text}"}) for text in texts.values()]
    allowed = await fits_schema(target.contract, bodies)
    if not target.contract.has_schema or not any(allowed):
        raise NotDeclared(f"the schema does not allow any text in {name}")
    for kind, body, is_allowed in zip(texts, bodies, allowed, strict=True):
        if not is_allowed:
            continue
        sent = body[name]
        reply = await target.create(body)
        expect(reply.accepted, f"a {name} with {kind} accepted", str(reply.status), reply)
        read = await target.read(target.url_of(reply))
        for seen in (reply, read):
            shown = str((seen.document or {}).get(name))
            same = unicodedata.normalize("NFC", shown) == unicodedata.normalize("NFC", sent)
            expect(same, f"{name} = {in_json(sent)}", in_json(shown), seen)


@check(step=Step.RESPONSE, source="contract: normalisation", catches="numbers_rounded")
async def values_come_back_as_sent(target: Target) -> None:
    """Numbers up to 2^53, empty values, null and nested values come back equal and of the same type.

    JSON has one type of numbers: that 1 is not written 1.0 is our own contract's.
    """
    name = free_object(target)
    body = target.contract.document(**{name: _VALUES})
    if not all(await fits_schema(target.contract, [body])):
        raise NotDeclared(f"the schema does not allow any value in {name}")
    made = await created(target, body)
    read = await target.read(made.url)
    for seen in (made.reply, read):
        shown = (seen.document or {}).get(name)
        expect(isinstance(shown, dict), f"an object in {name}", in_json(shown), seen)
        for case, value in _VALUES.items():
            kept = shown.get(case, "nothing") if isinstance(shown, dict) else None
            is_written_alike = not target.contract.is_promised or type(kept) is type(value)
            expect(same_json(value, kept) and is_written_alike, f"{case} as {in_json(value)}", in_json(kept), seen)


@check(
    step=Step.RESPONSE,
    source="contract: six-fields; the target's schema",
    catches=("default_missing", "update_keeps_left_out"),
)
async def defaults_are_filled_alike(target: Target) -> None:
    """A body with only the required fields is accepted, and the reply and a read show the defaults.

    That defaults are shown is a should where our own contract is not promised: a default only describes (JSON Schema
    Validation 2020-12 §9.2). So does an update with such a body, whatever was there: it replaces the whole
    representation (RFC 9110 §9.3.4).
    """
    contract, lesser = target.contract, Lesser.than_our_contract(target.contract)
    whole = contract.document()
    body = {name: whole[name] for name in {*contract.required, contract.fields.name} if name in whole}
    if not all(await fits_schema(contract, [body])):
        raise NotDeclared("the schema asks for more than the required properties")
    reply = await target.create(body)
    expect(reply.accepted, "a body of only what is required accepted", str(reply.status), reply)
    declared = {name: schema["default"] for name, schema in contract.properties.items() if "default" in schema}
    filled = contract.shown({name: value for name, value in declared.items() if name not in body})
    with lesser:
        expect_same_fields(filled, reply.document or {}, reply, where="the reply, by default")
    read = await target.read(target.url_of(reply))
    shown = lasting(target, reply.document or {})
    expect_same_fields(shown, read.document or {}, reply, read, where="the read")
    with lesser:
        expect_same_fields(reply.document or {}, read.document or {}, reply, read, where="the read")
    if contract.update and contract.is_promised:
        made = await created(target, contract.varied(1))
        etag = made.reply.headers.get("etag")
        body = {field: value for field, value in contract.document().items() if field in body}
        update = await target.update(made.url, body, headers={"if-match": etag} if etag is not None else {})
        if not update.accepted:
            raise Inconclusive(f"an update with only what is required was answered with {update.status}")
        read = await target.read(made.url)
        expect_same_fields(filled, read.document or {}, update, read, where="the read after an update, by default")
    lesser.tell()


@check(
    step=Step.RESPONSE,
    level=Level.SHOULD,
    source="contract: six-fields; OWASP API3:2023",
    catches="unknown_fields_stored",
    must_with=Need.CONTRACT,
)
async def protected_fields_are_not_taken(target: Target) -> None:
    """Fields that only the server may set (id, times, version, role, tenant) are refused or ignored, never stored."""
    contract = target.contract
    shown = (await created(target, contract.document())).reply.document or {}
    # An open schema allows a field that the target neither declares nor sets.
    own = {name for name in _PROTECTED if name in shown or contract.is_closed}
    async with positive_controls(target):
        for name in sorted({*own, contract.fields.id} - set(contract.properties)):
            value = f"value{nonce()}"
            reply = await target.create(contract.document(**{name: value}))
            expect(reply.status < 500, f"no server error to a body with {name}", str(reply.status), reply)
            if not reply.accepted:
                continue
            read = await target.read(target.url_of(reply))
            for seen in (reply, read):
                expect(value not in seen.body.decode("utf-8", "replace"), f"the sent {name} not stored", value, seen)


@check(step=Step.RESPONSE, source="RFC 8259 §8.1, §11", catches="byte_order_mark")
async def json_is_plain_utf_8(target: Target) -> None:
    """JSON in replies is UTF-8 without a byte order mark, and Content-Type names no other charset.

    The charset is a should: RFC 8259 §11 has none, so that it changes nothing.
    """
    lesser = Lesser.than_our_contract(target.contract)
    made = await created(target, target.contract.document())
    read = await target.read(made.url)
    for seen in (made.reply, read):
        expect(not seen.body.startswith(b"\xef\xbb\xbf"), "no byte order mark", "one", seen)
        try:
            seen.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Inconclusive(f"the reply is no UTF-8: {error.reason}") from None
        parameters = seen.headers.get("content-type", "").partition(";")[2].strip().lower()
        sound = "charset" not in parameters or "utf-8" in parameters
        with lesser:
            expect(sound, "no charset, or UTF-8", parameters, seen)
    lesser.tell()
