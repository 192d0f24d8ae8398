"""Assertions of checks: each raises Expectation with what was expected, what was observed, and the exchanges."""

from collections.abc import Iterable, Sequence
from typing import Any

from createflow.scenarios.outcome import Expectation
from createflow.scenarios.sinks.copy_problem import NO_ROW
from createflow.scenarios.sinks.field_equality import differences
from createflow.scenarios.sinks.sink import Row
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.text.in_json import in_json
from createflow.schemas.report import Exchange


def expect(
    holds: bool,  # noqa: FBT001 - reads as a sentence
    expected: str,
    seen: str,
    *replies: Reply,
    about: Iterable[str] = (),
) -> None:
    """Fail the check unless the condition holds.

    Args:
        holds: the condition.
        expected: what the target should have done.
        seen: what it did instead.
        replies: those that show it, for the report.
        about: as of an Expectation.
    """
    if not holds:
        raise Expectation(expected, seen, exchanges=[reply.exchange for reply in replies], about=about)


def expect_exchange(holds: bool, expected: str, seen: str, exchange: Exchange) -> None:  # noqa: FBT001 - as above
    """Fail the check unless the condition holds, with an exchange below HTTP as evidence."""
    if not holds:
        raise Expectation(expected, seen, exchanges=[exchange])


def expect_one_row(rows: Sequence[Row], expected: str, *replies: Reply, about: Iterable[str] = ()) -> None:
    """Fail the check unless there is one row; ``about`` is for several."""
    if len(rows) != 1:
        exchanges = [reply.exchange for reply in replies]
        raise Expectation(expected, f"{len(rows)} rows", exchanges=exchanges, about=about if rows else [NO_ROW])


def expect_status(reply: Reply, *statuses: int, of: str = "") -> None:
    """Fail the check unless the reply has one of these statuses, or what the profile configures in their place.

    ``of`` names the request, when there are several.
    """
    if reply.means(*statuses):
        return
    expected = " or ".join(dict.fromkeys(reply.refusals.describe(status) for status in statuses))
    is_other_refusal = statuses[0] >= 400 and 400 <= reply.status < 500
    raise Expectation(
        f"{expected}{f' to {of}' if of else ''}",
        f"{reply.status}{_excerpt(reply)}",
        exchanges=[reply.exchange],
        about=[f"{statuses[0]} told as {reply.status}"] if is_other_refusal else [],
    )


def expect_unreadable(reply: Reply, of: str) -> None:
    """Fail the check unless a body that is no JSON was refused: as invalid input is, or with 400.

    RFC 9110 §15.5.21: 422 is for content that can be read.
    """
    if reply.status != 400:
        expect_status(reply, 400, of=of)


def expect_unauthenticated(reply: Reply, of: str, *, strictly: bool) -> None:
    """Fail the check unless a credential that is none was refused with 401, or with 400 unless ``strictly``.

    RFC 6750 §3.1: ``invalid_request`` (400) for a request that is malformed, ``invalid_token`` (401) for a malformed
    token.
    """
    if strictly or reply.status != 400:
        expect_status(reply, 401, of=of)


def expect_header(reply: Reply, name: str) -> str:
    """The value of a header. Fails the check when it is missing or empty."""
    value = reply.headers.get(name.lower(), "")
    expect(bool(value.strip()), f"a {name} header on the {reply.status}", "none", reply)
    return value


def expect_same_fields(
    shown: dict[str, Any], kept: dict[str, Any], *replies: Reply, where: str, about: Iterable[str] = ()
) -> None:
    """Fail the check unless every field of the reply is in the copy with the same value.

    It is about the field that differs, unless ``about`` says more.
    """
    for name in differences(shown, kept):
        raise Expectation(
            f"{name} = {_short(shown[name])} in {where}",
            _short(kept[name]) if name in kept else "no such field",
            exchanges=[reply.exchange for reply in replies],
            about=list(about) or [name],
        )


def _excerpt(reply: Reply) -> str:
    text = reply.body[:160].decode("utf-8", "replace").strip()
    return f" with {in_json(text)}" if text else ""


def _short(value: object) -> str:
    text = in_json(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
