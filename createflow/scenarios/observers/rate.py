"""The rate limit as clients meet it: who is refused, with which status, and what the RateLimit fields say of it."""

import re
from collections.abc import Iterable

from createflow.scenarios.harness.check import Need
from createflow.scenarios.harness.observer import Deviation, Facts, Look, observer
from createflow.scenarios.observers.traffic import flood
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.reply import MEANINGS
from createflow.scenarios.target.traffic.observed import Observed
from createflow.schemas.flow import Step
from createflow.schemas.profile import Limits
from createflow.schemas.report import Level

_FULL = 0.7
"""From this part of the promised burst on, a refusal is due to the rate."""
_NEAR_EMPTY = 0.5
"""Up to this part, whatever else was sent, a subject has kept its rate."""
_LEAK = 1.1
"""Clocks and roundings differ: the bucket that is computed here empties a little faster."""
_ITEM = re.compile(
    r'(?:"[^"]*"|[A-Za-z*][\w.*-]*(?:=\d+)?|\d+)(?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:=(?:"[^"]*"|[A-Za-z0-9:._-]+))?)*'
)
_PARAMETERS = re.compile(r";\s*([a-z]+)=(\d{1,15})")
_ABOUT_S = 2
"""Both times are rounded up to whole seconds, and a moment passes between them."""


class _Buckets:
    """What the bucket of each subject holds at least: only accepted requests, each from its sending on."""

    def __init__(self, limits: Limits) -> None:
        self._rate_per_s = limits.rate_per_s * _LEAK
        self._full_at: dict[str, float] = {}

    def count(self, seen: Observed) -> None:
        at_s = seen.sending.at_s
        self._full_at[seen.bucket] = max(self._full_at.get(seen.bucket, at_s), at_s) + 1 / self._rate_per_s

    def level(self, seen: Observed) -> float:
        """When its reply came."""
        return max(self._full_at.get(seen.bucket, 0.0) - seen.received_at_s, 0.0) * self._rate_per_s


@observer(
    step=Step.RATE_LIMIT,
    source="contract: rate-limited-429",
    traffic=flood,
    enough=1,
    needs=(Need.LIMITS,),
    catches="limit_is_503",
)
def refusals_of_a_flood_are_429(facts: Facts) -> Look:
    """What exceeds the promised rate is refused with 429, and with no other status."""
    limits = _limits(facts)
    buckets = _Buckets(limits)
    codes = facts.contract.errors.statuses.get(MEANINGS[429], (429,))

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if not seen.is_own or not seen.bucket or seen.is_raw:
            return None
        if 200 <= seen.status < 300:
            buckets.count(seen)
            return None
        if seen.is_paced or seen.may_excuse_limiter:
            return None
        if seen.status in codes:
            return ()
        if seen.status not in {403, 500, 502, 503, 504} or buckets.level(seen) < limits.burst * _FULL:
            return None
        expected = "429 to what exceeds the promised rate"
        return (Deviation(f"{seen.status} to a create of a flood", expected, ("rate_limit.excess_is_429",)),)

    return look


@observer(
    step=Step.RATE_LIMIT,
    source="contract: rate-limited-429",
    traffic=flood,
    enough=1,
    needs=(Need.LIMITS,),
    catches="shared_bucket",
)
def who_keeps_the_rate_is_not_refused(facts: Facts) -> Look:
    """A subject within its promised rate is never answered with 429, whatever others send."""
    limits = _limits(facts)
    known: set[str] = set()
    since_s: list[float] = []
    unknown_for_s = limits.burst / limits.rate_per_s

    def look(seen: Observed) -> Iterable[Deviation] | None:
        # An earlier run with the same credential may have left its bucket full.
        since_s[:] = since_s[:1] or [seen.sending.at_s]
        is_minted = seen.bucket.startswith("createflow-")
        is_early = seen.sending.at_s - since_s[0] < unknown_for_s and not is_minted
        if not seen.is_own or not seen.bucket or seen.is_raw or seen.may_excuse_limiter or is_early:
            return None
        if 200 <= seen.status < 300:
            known.add(seen.bucket)
        if seen.bucket not in known or seen.level > limits.burst * _NEAR_EMPTY:
            return None
        if seen.status != 429:
            return ()
        level = f"{_NEAR_EMPTY:.0%} of the promised burst"
        reported_by = ("rate_limit.other_subject_is_not_refused",)
        return (Deviation(f"429 to a subject that had used less than {level}", "no 429 within the rate", reported_by),)

    return look


@observer(
    step=Step.RATE_LIMIT,
    level=Level.SHOULD,
    source="draft-ietf-httpapi-ratelimit-headers-11 §3, §4; RFC 9651 §3.1",
    traffic=flood,
    needs=(Need.LIMITS,),
    catches="remaining_is_constant",
)
def rate_limit_fields_tell_the_truth(facts: Facts) -> Look:
    """RateLimit fields are well-formed, promise no more than the profile, and change with what is used.

    A refusal with something left, more left than the quota, more left than the requests so far allow, and a time to the
    reset that is shorter than Retry-After: each would make a client that believes the fields send at the wrong time.
    """
    limits = facts.profile.limits
    buckets = None if limits is None else _Buckets(limits)

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if buckets is not None and 200 <= seen.status < 300 and seen.bucket and not seen.is_raw:
            buckets.count(seen)
        fields = {name: ", ".join(seen.values(name)) for name in ("ratelimit", "ratelimit-policy")}
        if seen.may_excuse_limiter:
            return None
        if not fields["ratelimit"]:
            return ()  # they are optional, and what is not there claims nothing
        malformed = [name for name, value in fields.items() if value and not _is_list(value)]
        if malformed:
            return tuple(
                Deviation(f"{name}: {fields[name][:80]!r}", "a list of items (RFC 9651)") for name in malformed
            )
        left, quota = _numbers(fields["ratelimit"]), _numbers(fields["ratelimit-policy"])
        expected = "RateLimit fields that tell the truth"
        return tuple(Deviation(text, expected) for text in _contradictions(seen, left, quota, buckets, limits))

    return look


def _contradictions(
    seen: Observed, left: dict[str, int], quota: dict[str, int], buckets: _Buckets | None, limits: Limits | None
) -> Iterable[str]:
    remaining = left.get("r")
    if remaining is None:
        return
    most = quota.get("q")
    if most is not None and remaining > most:
        yield "more left than the quota"
    if seen.status == 429 and remaining >= 1:
        yield "a 429 with requests left"
    retry_after = "".join(seen.values("retry-after"))
    reset_s = left.get("t")
    is_timed = seen.status == 429 and remaining == 0 and reset_s is not None and retry_after.isdigit()
    if is_timed and reset_s is not None and reset_s + _ABOUT_S < int(retry_after[:9]):
        yield "a reset before the end of Retry-After"
    # The computed level is a lower bound: no more than what it leaves, and a half for what it does not see.
    if buckets is not None and limits is not None and most == limits.burst and seen.bucket and not seen.is_raw:
        level = buckets.level(seen)
        if level > most * _FULL and remaining > most - level / 2:
            yield "as much left as if the requests before had not been counted"


def _limits(facts: Facts) -> Limits:
    if facts.profile.limits is None:
        raise NotDeclared(Need.LIMITS.absence)
    if facts.profile.auth.kind == "none":
        raise NotDeclared("without credentials no request can be told from those of others")
    return facts.profile.limits


def _is_list(value: str) -> bool:
    return all(_ITEM.fullmatch(part.strip()) for part in value.split(","))


def _numbers(value: str) -> dict[str, int]:
    """The numeric parameters of the first policy."""
    return {name: int(number) for name, number in _PARAMETERS.findall(value.partition(",")[0])}
