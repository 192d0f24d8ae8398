"""What HTTP makes of a plain read: a read with a condition, and HEAD."""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from createflow.scenarios.checks.support.fixtures import created, missing_url
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_status
from createflow.scenarios.outcome import Inconclusive, NotDeclared, Prevented
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import Target, Tokens
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step

_OTHER = '"createflow-no-such-version"'
_READS = ("GET", "HEAD")
_GONE = frozenset({404, 410})
_UNTOLD = frozenset({405, 429, 501})
"""What a server says that has no HEAD, or takes no more requests now."""


@check(
    step=Step.RESPONSE,
    source="RFC 9110 §8.8.3.2, §13.1.2",
    catches=("first_none_match_only", "weak_tag_matches_nothing"),
)
async def any_matching_tag_is_304(target: Target) -> None:
    """A read is answered with 304 when any tag of its If-None-Match is the current one, also as a weak tag, or it is *.

    How: the current tag at each place of a list, after a tag with a comma in it, and in its other form. Why: caches on
    the way weaken tags, and ask for all versions that they keep at once.
    """
    made = await created(target)
    seen = await target.read(made.url)
    current = seen.headers.get("etag", "")
    if not current:
        raise NotDeclared("a read shows no ETag")
    plain = await target.read(made.url, headers={"if-none-match": current})
    if plain.status != 304:
        raise Prevented("response.etag_matches", f"a read that has the current version is answered with {plain.status}")
    in_other_form = current.removeprefix("W/") if current.startswith("W/") else f"W/{current}"
    forms = (f"{_OTHER}, {current}", f"{current}, {_OTHER}", f'"a,b",{current}', in_other_form, "*")
    replies = await asyncio.gather(
        *(target.send("GET", made.url, headers={"if-none-match": condition}) for condition in forms)
    )
    for condition, reply in zip(forms, replies, strict=True):
        if not _is_untold(reply):
            expect_status(reply, 304, of=f"a read with If-None-Match: {condition}")


@check(
    step=Step.RESPONSE,
    source="RFC 9110 §13.2.1",
    repeats=("auth_check.identity_comes_before_content", "response.deleted_is_not_found"),
    catches="gone_is_not_modified",
)
async def condition_of_a_refused_request_is_ignored(target: Target, tokens: Tokens | None) -> None:
    """What is refused without a condition is refused alike with one: 304 and 412 tell nobody of what he may not see.

    How: reads of a resource that is not there, and of one that was deleted; reads and writes without a token, and by
    another user where he is refused them.
    """
    made, theirs = await asyncio.gather(created(target), created(target))
    etag = made.reply.headers.get("etag") or (await target.read(made.url)).headers.get("etag", _OTHER)
    absent = missing_url(made)
    asked = [_Asked(method, absent, f"{method} of a resource that is not there") for method in _READS]
    asked += [
        _Asked(method, theirs.url, f"{method} {what}", who, may_come=target.deadlines.read_s > 0)
        for who, what in _others(tokens).items()
        for method in (*_READS, *_writes(target))
    ]
    await _expect_alike(target, asked, etag)
    if target.contract.delete and not target.deadlines.read_s:
        gone = await target.delete(made.url, headers=made.reply.if_match)
        if not gone.accepted:
            raise Inconclusive(f"an ordinary delete was answered with {gone.status}")
        deleted = [_Asked(method, made.url, f"{method} of a resource that was deleted") for method in _READS]
        await _expect_alike(target, deleted, etag)


@check(
    step=Step.RESPONSE,
    source="RFC 9110 §8.6, §9.3.2",
    catches=("head_tells_no_length", "head_finds_missing"),
)
async def head_is_as_a_read(target: Target) -> None:
    """HEAD tells the Content-Length of a GET or none, and finds nothing that a GET does not find.

    The length is compared where two reads around the HEAD tell the same one.
    """
    made = await created(target)
    first, head, second = [await target.send(method, made.url) for method in ("GET", "HEAD", "GET")]
    if not first.accepted:
        raise Inconclusive(f"a read of what was just created was answered with {first.status}")
    if not head.accepted:  # a front may let no HEAD through
        raise NotDeclared(f"HEAD is answered with {head.status}")
    length, after, told = (reply.headers.get("content-length") for reply in (first, second, head))
    if length == after and told is not None and length is not None:
        expect(told == length, f"Content-Length: {length} in the reply to a HEAD, as to a GET, or none", told, head)
    if target.contract.delete and not target.deadlines.read_s:
        gone = await target.delete(made.url, headers=made.reply.if_match)
        read, head = [await target.send(method, made.url) for method in _READS]
        if gone.accepted and not read.accepted:
            expect(not head.accepted, f"{read.status} to a HEAD of a deleted resource", str(head.status), read, head)


def _writes(target: Target) -> Iterator[str]:
    if target.contract.update:
        yield "PUT"
    if target.contract.delete:
        yield "DELETE"


def _others(tokens: Tokens | None) -> dict[Principal, str]:
    """Who may do less than the creator, in words for the finding."""
    others: dict[Principal, str] = {}
    if tokens is not None:
        others[ANONYMOUS] = "without a token"
        with suppress(NotDeclared):
            others[tokens.other_writer()] = "by another user"
    return others


@dataclass(frozen=True, slots=True)
class _Asked:
    """One kind of request, and who sends it."""

    method: str
    url: str
    what: str
    who: Principal | None = None
    may_come: bool = False
    """The resource is there, and a read may show it only later."""

    def send(self, target: Target, condition: Mapping[str, str]) -> Awaitable[Reply]:
        if self.method == "PUT":
            return target.update(self.url, target.contract.document(), who=self.who, headers=condition)
        if self.method == "DELETE":
            return target.delete(self.url, who=self.who, headers=condition)
        return target.send(self.method, self.url, who=self.who, headers=condition)

    def conditions(self, etag: str) -> list[dict[str, str]]:
        """Of a read, what would be answered with 304; of a write, what with 412."""
        if self.method not in _READS:
            return [{"if-match": _OTHER}]
        is_tried_further = self.method == "GET" and self.who is None
        return [{"if-none-match": etag}, *([{"if-none-match": "*"}] if is_tried_further else [])]


async def _expect_alike(target: Target, asked: list[_Asked], etag: str) -> None:
    """Require that each refused request is refused with the same status when it has a condition."""
    plain = await asyncio.gather(*(one.send(target, {}) for one in asked))
    refused = [
        (one, reply)
        for one, reply in zip(asked, plain, strict=True)
        if _is_refusal(reply) and not (one.may_come and reply.status in _GONE)
    ]
    tried = [(one, reply, condition) for one, reply in refused for condition in one.conditions(etag)]
    replies = await asyncio.gather(*(one.send(target, condition) for one, _, condition in tried))
    for (one, before, condition), reply in zip(tried, replies, strict=True):
        if _is_untold(reply):
            continue
        ((name, value),) = condition.items()
        told = f"{before.status} to {one.what}, with {name}: {value}, as without it"
        expect(reply.status == before.status, told, str(reply.status), before, reply)


def _is_refusal(reply: Reply) -> bool:
    """Whether it is a refusal that has nothing to do with a condition.

    Where a version must be named, that may be told first (428, RFC 6585 §3).
    """
    return 400 <= reply.status < 500 and reply.status not in {412, 428} and not _is_untold(reply)


def _is_untold(reply: Reply) -> bool:
    """Whether it says nothing about conditions; observers report errors."""
    return reply.status in _UNTOLD or reply.status >= 500
