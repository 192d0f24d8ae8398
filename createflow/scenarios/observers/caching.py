"""Whether a cache between target and client may show one client's reply to another."""

import re
from collections.abc import Iterable

from createflow.scenarios.harness.observer import Deviation, Facts, Look, observer
from createflow.scenarios.observers.traffic import ordinary_requests
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.traffic.observed import Observed
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_FIELDS = ("cache-control", "cdn-cache-control", "surrogate-control")
_SHARED = {"public", "s-maxage"}
_PROTECTIVE = {"private", "no-store"}
_OF_CREATES = ("https_request.replies_are_not_stored",)
_AGE = re.compile(r'(?:s-maxage|max-age)="?0*([0-9]*)')


@observer(
    step=Step.HTTPS_REQUEST,
    level=Level.SHOULD,
    source="RFC 9111 §3.5, §5.2.2.9, §5.2.2.10; RFC 9213 §2.2; CWE-525",
    traffic=ordinary_requests,
    catches="public_replies",
)
def authorised_replies_are_not_shared(facts: Facts) -> Look:
    """No reply to a request with a credential tells shared caches to keep it for others.

    Why: a shared cache gives a reply to a request with Authorization to nobody else, unless ``public`` or ``s-maxage``
    in it allows that; fields for content delivery networks allow it as well. Credentials in other fields protect
    nothing.
    """
    if facts.profile.auth.kind == "none":
        raise NotDeclared("`auth` is not configured")

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if not seen.is_own or not seen.bucket or seen.status >= 400 or seen.method == "OPTIONS":
            return None
        found = []
        for field in _FIELDS:
            directives = _directives(seen.values(field))
            allowed = _SHARED if field == "cache-control" else {*_SHARED, "max-age"}
            shared = sorted(allowed & directives.keys())
            ages = [_AGE.match(directives[name]) for name in shared if name != "public"]
            is_stale_at_once = bool(ages) and all(age is not None and age[1] == "" for age in ages)
            if shared and not _PROTECTIVE & directives.keys() and not is_stale_at_once:
                text = f"{field}: {', '.join(shared)} on a {seen.status} to {seen.method}"
                expected = "no permission for shared caches on a reply to a credential"
                found.append(Deviation(text, expected, _OF_CREATES, naming=shared[0]))
        return found

    return look


def _directives(values: list[str]) -> dict[str, str]:
    """Each directive in lower case, by its name."""
    parts = [part.strip().lower() for part in ",".join(values).split(",")]
    return {part.partition("=")[0].strip(): part for part in parts if part}
