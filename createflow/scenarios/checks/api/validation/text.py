"""Text is stored and shown as sent, and never interpreted."""

import unicodedata
from contextlib import AsyncExitStack
from typing import Any

from createflow.scenarios.bodies.bounded import fits
from createflow.scenarios.bodies.markers import nonce
from createflow.scenarios.checks.api.validation.limits import free_object
from createflow.scenarios.checks.support.fixtures import created, fits_schema, positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_same_fields, expect_status
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.probes import Callbacks, Target
from createflow.scenarios.text.in_json import in_json
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_BLANK = {
    "one blank": " ",
    "a tab and line breaks": "\t\r\n",
    "an ideographic space": "\u3000",
    "a no-break space": "\u00a0",
    "a zero-width space": "\u200b",
    "a word joiner and a byte order mark": "\u2060\ufeff",
}
_SQL = (
    "'; DROP TABLE resources; --",
    "' OR '1'='1",
    '" OR ""="',
    "'; SELECT pg_sleep(9); --",
    "\\'; SELECT 1; --",
    "1); WAITFOR DELAY '0:0:9' --",
    "O'Brien -- 100 % \\ done",
)
_SLEPT_S = 8.0
_TEMPLATES = ("{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "%{7*7}", "$(expr 7 '*' 7)", "`expr 7 '*' 7`", "%s%n%x")
_MARKUP = ("<script>alert(1)</script>", "<b>bold</b> & <i>", "&lt;b&gt; &amp;amp;", "\"'><img src=x>")
_INJECTED = "x-createflow-injected"
_MARKUP_CHECK = "validation.markup_is_treated_alike"
"""What changes markup changes other text as well."""


@check(
    step=Step.VALIDATION,
    source="contract: invalid-400; the target's schema",
    catches=("blank_accepted", "updates_less_checked"),
)
async def blank_name_is_400(target: Target) -> None:
    """A name without any visible character is refused with 400, by creates and by updates."""
    contract = target.contract
    schema = contract.properties.get(contract.fields.name, {})
    forms = dict(_BLANK)
    if not contract.is_promised:
        fitting = await fits(contract.schema, contract.fields.name, list(_BLANK.values()))
        forms = {
            form: text for (form, text), is_valid in zip(_BLANK.items(), fitting, strict=True) if is_valid is False
        }
    if not forms or not schema:
        raise NotDeclared(f"the schema does not say that {contract.fields.name} must not be blank")
    async with positive_controls(target):
        for form, text in forms.items():
            reply = await target.create(contract.document(**{contract.fields.name: text}))
            expect_status(reply, 400, of=f"a {contract.fields.name} of {form}")
        if contract.update and contract.is_promised:
            url = (await created(target)).url
            for form, text in forms.items():
                reply = await target.update(url, contract.document(**{contract.fields.name: text}))
                expect_status(reply, 400, of=f"an update to a {contract.fields.name} of {form}")


@check(
    step=Step.VALIDATION,
    source="contract: normalisation; CWE-89",
    catches="quotes_doubled",
    repeats=(_MARKUP_CHECK, "response.text_comes_back_as_sent"),
)
async def sql_is_only_text(target: Target) -> None:
    """Text that looks like SQL is stored and read unchanged, in no more time than other text.

    The time is a should.
    """
    lesser = Lesser.than_our_contract(target.contract)
    for payload, body in zip(_SQL, await _named(target, *_SQL), strict=True):
        reply = await target.create(body)
        expect(reply.accepted, f"a create with {in_json(payload)} in it accepted", str(reply.status), reply)
        with lesser:
            expect(reply.elapsed_s < _SLEPT_S, f"no sleep on {in_json(payload)}", f"{reply.elapsed_s:.1f} s", reply)
        read = await target.read(target.url_of(reply))
        sent = {target.contract.fields.name: body[target.contract.fields.name]}
        for seen, where in ((reply, "the reply"), (read, "the read")):
            expect_same_fields(sent, seen.document or {}, seen, where=f"{where}, as it was sent")
    lesser.tell()


@check(step=Step.VALIDATION, source="contract: normalisation; CWE-79; CWE-116", catches="markup_escaped_on_read")
async def markup_is_treated_alike(target: Target) -> None:
    """Markup is kept, escaped, stripped or refused, but the same way in the reply and in every read."""
    name = target.contract.fields.name
    bodies = await _named(target, *_MARKUP)
    async with positive_controls(target):
        for payload, body in zip(_MARKUP, bodies, strict=True):
            reply = await target.create(body)
            if not reply.accepted:
                expect_status(reply, 400, of=f"a create with {in_json(payload)} in it")
                continue
            shown = (reply.document or {}).get(name)
            for reading in ("first", "second"):
                seen = await target.read(target.url_of(reply))
                kept = (seen.document or {}).get(name)
                expect(kept == shown, f"{name} = {in_json(shown)} in the {reading} read", in_json(kept), reply, seen)


@check(
    step=Step.VALIDATION,
    source="contract: normalisation; CWE-1336; CWE-943; OWASP API7:2023",
    repeats=(_MARKUP_CHECK, "response.text_comes_back_as_sent", "validation.sql_is_only_text"),
    catches="evaluates_templates",
)
async def text_is_inert(target: Target, callbacks: Callbacks | None) -> None:
    """Templates, operators, prototypes and URLs come back as sent; nothing is evaluated or fetched.

    That nothing is fetched is a should where our own contract is not promised.
    """
    name, lesser = target.contract.fields.name, Lesser.than_our_contract(target.contract)
    async with AsyncExitStack() as scope:
        callback = await scope.enter_async_context(callbacks.listening()) if callbacks else None
        await scope.enter_async_context(positive_controls(target))
        urls = [callback.url, f"//{callback.url.partition('//')[2]}"] if callback else []
        bodies = await _named(target, *_TEMPLATES, *urls)
        try:
            holder = free_object(target)
            values = _objects(callback.url if callback else "http://127.0.0.1:9/")
            bodies += [target.contract.document(**{holder: value}) for value in values]
        except NotDeclared:
            holder = name
        for body in bodies:
            reply = await target.create(body)
            expect(reply.status < 500, f"no server error to {body}", str(reply.status), reply)
            if not reply.accepted:
                continue
            sent = {field: body[field] for field in {name, holder} if field in body}
            expect_same_fields(sent, reply.document or {}, reply, where="the reply, as it was sent")
            seen = await target.read(target.url_of(reply))
            expect_same_fields(sent, seen.document or {}, seen, where="the read, as it was sent")
        made = await created(target)
        expect("polluted" not in made.shown, "no field that was not sent", "polluted", made.reply)
        if callback:
            with lesser:
                expect(not callback.requests, "nothing fetched", "; ".join(callback.requests), made.reply)
    lesser.tell()


@check(step=Step.VALIDATION, source="RFC 9110 §2.2, §5.5; CWE-113", catches="name_in_header")
async def line_breaks_stay_in_the_body(target: Target) -> None:
    """A line break in a field or in a URL never creates a header in a reply."""
    forged = f"\r\n{_INJECTED}: 1\r\n"
    bodies = await _named(target, forged, forged.replace("\r", ""))
    async with positive_controls(target):
        made = await created(target)
        replies = [
            *[await target.create(body) for body in bodies],
            await target.read(f"{made.url}%0d%0a{_INJECTED}:%201"),
            await target.read(f"{made.url}?x=%0d%0a{_INJECTED}:%201"),
        ]
        for reply in replies:
            expect(_INJECTED not in reply.headers, "no header from a field", f"{_INJECTED}: 1", reply)


@check(
    step=Step.VALIDATION,
    level=Level.SHOULD,
    source="contract: normalisation; UAX #15; CWE-180",
    catches="limits_before_normalising",
)
async def stored_form_keeps_the_limit(target: Target) -> None:
    """The stored text keeps the maximum length even if normalisation makes it longer."""
    name = target.contract.fields.name
    longest = target.contract.max_length(name)
    if longest is None or longest > 10_000:
        raise NotDeclared(f"the schema has no testable maxLength for {name}")
    word = target.contract.nonce_in(target.contract.document())
    async with positive_controls(target):
        # U+0958 becomes two code points in NFC; e and an accent become one.
        for form, filler in (("grows", "\u0958"), ("shrinks", "e\u0301")):
            text = f"{word} ".ljust(longest - 1, "x")[: longest - 4] + filler * (4 // len(filler))
            reply = await target.create(target.contract.document(**{name: text}))
            if not reply.accepted:
                expect_status(reply, 400, of=f"a {name} that {form} in NFC")
                continue
            shown = str((reply.document or {}).get(name))
            expect(len(shown) <= longest, f"{name} of at most {longest} code points", str(len(shown)), reply)
            same = unicodedata.normalize("NFC", shown) == unicodedata.normalize("NFC", text)
            expect(same, f"the {name} that was sent, in some normal form", repr(shown[-8:]), reply)


async def _named(target: Target, *payloads: str) -> list[dict[str, Any]]:
    """A body for each payload, in its name. Raises NotDeclared when the schema does not allow one of them."""
    contract = target.contract
    texts = [f"{nonce()} {payload}" for payload in payloads]
    bodies = [contract.document(**{contract.fields.name: text}) for text in texts]
    if not contract.has_schema or not all(await fits_schema(contract, bodies)):
        raise NotDeclared(f"the schema does not allow any text in {contract.fields.name}")
    return bodies


def _objects(url: str) -> list[dict[str, Any]]:
    return [
        {"$gt": ""},
        {"$where": "sleep(9000)"},
        {"__proto__": {"polluted": True}},
        {"constructor": {"prototype": {"polluted": True}}},
        {"@type": "java.net.URL", "val": url},
        {"url": url, "$ref": url, "href": url},
    ]
