"""Step 4: each subject gets the promised rate and no more, and a 429 says when to try again."""

import asyncio
import time
from datetime import UTC, datetime
from functools import partial
from itertools import count, cycle, islice

from createflow.scenarios.checks.support.burst import SENDERS, exceed_rate, run_senders, worst_window
from createflow.scenarios.checks.support.fixtures import Resource, missing_url, positive_controls, resource_in
from createflow.scenarios.checks.support.near import long_subject, named
from createflow.scenarios.harness.check import Lane, Need, check
from createflow.scenarios.harness.expect import expect, expect_header
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared, Prevented
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Issuer, Target, Tokens
from createflow.scenarios.target.received import delay_seconds, http_date
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_ROUNDS = 5
_TRIES = 3
_ENOUGH = 12
"""So many requests of a method are not all let through by chance while creates are refused."""
_TURNS = 6
"""Of each sender."""
_LONGEST_WAIT_S = 15.0
_LONGEST_BURST_S = 10.0
_REFUSED_FOR_S = 2.0
"""How long a burst continues after its first refusal."""
_MOST_ADMITTED = 4000
_MOST_IN_A_BURST = 400
"""The number of time windows grows with its square."""
_SENT_TIMES_MIN = 1.2
"""So many times what is promised has to be sent, else a limiter that takes too much has nothing to take."""
_RATE_TOLERANCE = 1.2
_BURST_TOLERANCE = 1.1
"""Limiters round intervals to whole milliseconds and buckets to whole requests."""


_check = partial(check, step=Step.RATE_LIMIT, needs=(Need.LIMITS,), disturbs=Lane.RATE)


@_check(
    level=Level.SHOULD,
    source="contract: rate-limited-429; OWASP API4:2023",
    catches="counts_one_of_many",
)
async def no_window_takes_more(target: Target) -> str:
    """No time window accepts more than the promised rate and burst, however many creates come at once.

    Why: a limiter that reads, counts and writes in three steps, or counts in each instance alone, or resets at whole
    seconds, refuses some requests and still accepts a multiple of the promised rate.

    It is the first of this step: all of them have one subject, which has used nothing then, and all of its rate later.
    """
    if target.limits is None:
        raise NotDeclared("`limits` is not configured")
    burst, rate_per_s = target.limits.burst, target.limits.rate_per_s
    admitted, refused = await _admitted_in_burst(target)
    count, length_s = worst_window([(sent, received) for sent, received, _ in admitted], rate_per_s * _RATE_TOLERANCE)
    allowed = burst * _BURST_TOLERANCE + length_s * rate_per_s * _RATE_TOLERANCE
    expect(
        count <= allowed + 1,
        f"at most {allowed:.0f} creates accepted in {length_s:.2f} s: a burst of {burst} and {rate_per_s:g} a second",
        f"{count}",
        *(reply for _, _, reply in admitted[-1:]),
    )
    if not refused:
        raise Inconclusive(f"{len(admitted)} creates accepted in a burst do not exceed the promised rate")
    took_s = max(received for _, received, _ in admitted) - min(sent for sent, _, _ in admitted) if admitted else 0.0
    times = (len(admitted) + refused) / (burst + took_s * rate_per_s)
    told = f"{len(admitted) + refused} creates sent, {times:.1f} times what is promised"
    if times < _SENT_TIMES_MIN:
        raise Inconclusive(f"{told}: a limiter that lets {_SENT_TIMES_MIN:g} times as much through would not be seen")
    return f"{told}: one that lets more than that through is not seen"


@_check(
    source="contract: rate-limited-429",
    catches=("no_rate_limit", "reads_not_limited"),
)
async def excess_is_429(target: Target) -> None:
    """Requests beyond the promised rate are refused with 429: creates and, where our own contract is promised, others.

    How: while most creates are refused, reads, updates and deletes of one resource are sent among them.
    """
    made = await _created_in_time(target)
    refusal = await exceed_rate(target, target.writer)
    if target.contract.is_promised:
        await _expect_all_limited(target, made, refusal)


async def _created_in_time(target: Target) -> Resource:
    """A resource, if need be in the next window: another check may have used all of this one."""
    reply = await target.create(body := target.contract.document())
    for _ in range(_TRIES):
        if not reply.means(429) or reply.busy_for_s is None:
            break
        await asyncio.sleep(reply.busy_for_s)
        reply = await target.create(body)
    return resource_in(target, reply, body)


async def _expect_all_limited(target: Target, made: Resource, refusal: Reply) -> None:
    """Require that of each method some requests are refused while the bucket is empty."""
    methods = ["GET", *(["PUT"] if target.contract.update else []), *(["DELETE"] if target.contract.delete else [])]
    url = missing_url(made)  # so that a delete which is let through removes nothing
    content = target.contract.wire_format.encode(target.contract.document())
    kind = {"content-type": target.contract.media_type}
    replies: dict[str, list[Reply]] = {method: [] for method in methods}
    turns = cycle(methods)

    async def sender() -> None:
        # Each of them counts only between two refused creates of one sender, while the others go on: what is only slow,
        # or sent when the bucket is no longer empty, is not counted.
        for method in islice(turns, _TURNS):
            if (await target.create(paced=False)).status != 429:
                continue
            body, headers = (content, kind) if method == "PUT" else (None, {})
            reply = await target.send(method, url, headers=headers, content=body, paced=False)
            if (await target.create(paced=False)).status == 429:
                replies[method].append(reply)

    await run_senders(sender)
    for method, among in replies.items():
        limited = len(among) < _ENOUGH or any(reply.means(429) for reply in among)
        told = f"none of {len(among)}, each between two creates that were"
        expect(limited, f"some {method} requests refused with 429 beyond the rate", told, refusal, *among[:1])


@_check(
    level=Level.SHOULD,
    source="contract: rate-limited-429; RFC 6585 §4; RFC 9110 §2.2, §10.2.3",
    catches="retry_after_missing",
)
async def retry_after_is_given(target: Target) -> None:
    """A 429 has Retry-After, and a create sent after that time is accepted."""
    refusal = await _excess(target, target.writer)
    wait_s = _seconds(expect_header(refusal, "Retry-After"), refusal)
    if wait_s > _LONGEST_WAIT_S:
        raise Inconclusive(f"Retry-After asks for {wait_s:g} s: longer than a check waits")
    await asyncio.sleep(wait_s)
    reply = await target.create(paced=False)
    expect(reply.accepted, f"a create accepted after waiting {wait_s:g} s", str(reply.status), refusal, reply)


@_check(
    source="contract: rate-limited-429; OWASP API4:2023",
    catches=("shared_bucket", "bucket_cut"),
)
async def other_subject_is_not_refused(target: Target, tokens: Tokens, issuer: Issuer | None) -> None:
    """One subject that exceeds its rate does not use up the rate of another, also of one whose name is nearly its own.

    Where tokens can be signed, the other one differs in its last letter, and another one in letter case.
    """
    writer, others = tokens.writer(), [tokens.other_writer()]
    if issuer is not None and writer.subject is not None:
        subject = long_subject(writer)
        long, *near = (named(writer, issuer, one) for one in (subject, f"{subject[:-1]}y", subject.swapcase()))
        if (await target.create(who=long)).accepted:
            writer, others = long, [*others, *near]
    async with positive_controls(target, who=others[0]):
        refusal = await _excess(target, writer)
        conclusive, size = 0, SENDERS
        for _ in range(_ROUNDS):
            # The burst goes on concurrently: a bucket that both shared would be empty at this moment.
            started = time.perf_counter()
            burst = [target.create(who=writer, paced=False) for _ in range(size)]
            replies = await asyncio.gather(*burst, *(target.create(who=other) for other in others))
            for reply in replies[size:]:
                expect(reply.status != 429, "the other subject's create not refused with 429", "429", refusal, reply)
            conclusive += sum(each.status == 429 for each in replies[:size]) > size // 2
            # More than the rate allows anew meanwhile, twice.
            allowed = 0 if target.limits is None else target.limits.rate_per_s * (time.perf_counter() - started)
            size = min(SENDERS + 2 * int(allowed), _MOST_IN_A_BURST)
        if not conclusive:
            raise Inconclusive("the burst ended before the other subject was served")


@_check(
    source="contract: rate-limited-429; OWASP API4:2023",
    catches="bucket_by_claimed_address",
)
async def claimed_address_evades_nothing(target: Target) -> None:
    """Another X-Forwarded-For in every request does not raise the limit."""
    numbers = count()

    def claims() -> dict[str, str]:
        number = next(numbers)
        return {"x-forwarded-for": f"192.0.2.{number % 250}, 198.51.100.{number // 250 % 250}"}

    try:
        await exceed_rate(target, target.writer, claims)
    except Expectation:
        await _excess(target, target.writer)  # where there is no limit at all, no address evades it
        raise


async def _excess(target: Target, who: Principal) -> Reply:
    """The refusal of what exceeds the rate. Raises Prevented where nothing is refused, as another check reports."""
    try:
        return await exceed_rate(target, who)
    except Expectation as failure:
        raise Prevented("rate_limit.excess_is_429", f"nothing is refused: {failure.seen}") from None


async def _admitted_in_burst(target: Target) -> tuple[list[tuple[float, float, Reply]], int]:
    """The accepted creates of a burst, each with the times of sending and of its reply, and the number of refused ones.

    Raises:
        Inconclusive: a create was neither accepted nor answered with 429.
    """
    stop_at = time.perf_counter() + _LONGEST_BURST_S
    admitted: list[tuple[float, float, Reply]] = []
    refused = 0

    async def sender() -> None:
        nonlocal refused, stop_at
        while (sent := time.perf_counter()) < stop_at and len(admitted) < _MOST_ADMITTED:
            reply = await target.create(who=target.writer, paced=False)
            if reply.accepted:
                admitted.append((sent, time.perf_counter(), reply))
            elif reply.means(429):
                refused += 1
                if refused == 1:
                    stop_at = min(stop_at, time.perf_counter() + _REFUSED_FOR_S)
            else:
                raise Inconclusive(f"a create of the burst was answered with {reply.status}")

    await run_senders(sender)
    return admitted, refused


def _seconds(value: str, reply: Reply) -> float:
    """RFC 9110 §10.2.3: Retry-After = HTTP-date / delay-seconds."""
    delay_s = delay_seconds(value)
    if delay_s is not None:
        return delay_s
    moment = http_date(value)
    if moment is None:
        # RFC 9110 §2.2: a sender MUST NOT generate what does not match the grammar. That there is one is a should.
        raise Expectation(
            "Retry-After in seconds or as a date", repr(value[:120]), exchanges=[reply.exchange], level=Level.MUST
        )
    return max((moment - datetime.now(UTC)).total_seconds(), 0)
