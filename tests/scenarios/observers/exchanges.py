"""Exchanges without a network, and what an observer says of them."""

from collections.abc import Sequence
from typing import Any

from createflow.scenarios.harness.observer import Deviation, Facts, Observer
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.traffic.observed import Observed, Sending
from createflow.schemas.profile import Profile
from createflow.schemas.report import Exchange


def facts(secrets: tuple[str, ...] = (), **sections: Any) -> Facts:
    """Of a run against a target with a static token."""
    profile = Profile.model_validate(
        {
            "target": {"base_url": "http://target.example", **sections.pop("target", {})},
            "auth": {"kind": "static", "writer_env": "X"},
            **sections,
        }
    )
    return Facts(profile, Contract(profile.target, profile.promises), secrets)


def exchange(
    status: int = 201,
    body: bytes = b"{}",
    media_type: str = "application/json",
    *,
    method: str = "POST",
    url: str = "http://target.example/api/resources",
    content: bytes = b"",
    token: str = "",
    at_s: float = 0.0,
    level: float = 1.0,
    headers: Sequence[tuple[str, str]] = (),
    **more: Any,
) -> Observed:
    """One exchange of the check ``a.check``."""
    details: dict[str, Any] = {"check_id": "a.check", "is_paced": True, "fault": ""} | more
    return Observed(
        exchange=Exchange(method=method, url=url, status=status),
        method=method,
        url=url,
        request_headers={"authorization": f"Bearer {token}"} if token else {},
        content=content,
        status=status,
        headers=(("content-type", media_type), *headers),
        body=body,
        sending=Sending(details.pop("bucket", "me"), at_s, level, 1),
        level=level,
        received_at_s=at_s + 0.01,
        **details,
    )


def causes(observer: Observer, *seen: Observed, known: Facts | None = None) -> list[str] | None:
    """What the observer says of the last of these exchanges; ``None`` when it has nothing to look at."""
    look = observer.watch(known or facts())
    found: Any = None
    for one in seen:
        found = look(one)
    deviations: list[Deviation] | None = None if found is None else list(found)
    return None if deviations is None else [deviation.cause for deviation in deviations]
