"""Creates at a modest rate beside a test, each reply kept."""

import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import jwt

from createflow.schemas.profile import Profile
from createflow.schemas.profile_auth import JwtAuth

SENDERS = 4
PAUSE_S = 0.1
"""Between two creates of one sender: forty a second together, and far below the rate of a subject."""


class SteadyLoad:
    """The replies so far."""

    def __init__(self) -> None:
        self.replies: list[tuple[int, str]] = []
        """Status, and resource id or what is told instead; status 0 for a request without a reply."""

    @property
    def created(self) -> list[str]:
        """The ids of the resources that were created."""
        return [resource_id for status, resource_id in self.replies if status == 201]

    @property
    def failed(self) -> list[tuple[int, str]]:
        """Everything else."""
        return [reply for reply in self.replies if reply[0] != 201]


@contextmanager
def steady_load(profile: Profile) -> Iterator[SteadyLoad]:
    """Create resources until the end of the block; then every request has its reply."""
    load, is_over = SteadyLoad(), threading.Event()
    target = profile.target
    trust = ssl.create_default_context(cafile=target.ca_file)

    def send(number: int) -> None:
        headers = {"authorization": f"Bearer {_token(profile, f'steady-{number}')}"}
        with httpx.Client(base_url=target.base_url, verify=trust, trust_env=False, timeout=10) as client:
            while not is_over.wait(PAUSE_S):
                try:
                    reply = client.post(target.path, json={"name": "steady"}, headers=headers)
                except httpx.HTTPError as error:
                    load.replies.append((0, repr(error)))
                else:
                    made = reply.headers.get("location", "").rpartition("/")[2]
                    load.replies.append((reply.status_code, made or reply.text))

    with ThreadPoolExecutor(SENDERS) as senders:
        tasks = [senders.submit(send, number) for number in range(SENDERS)]
        try:
            yield load
        finally:
            is_over.set()
    for task in tasks:
        task.result()


def _token(profile: Profile, subject: str) -> str:
    auth = profile.auth
    assert isinstance(auth, JwtAuth)
    now = int(time.time())
    claims = {"iss": auth.issuer, "aud": auth.audience, "sub": subject, "roles": ["writer"], "iat": now}
    return jwt.encode(
        {**claims, "exp": now + 600, "jti": f"{subject}{now}"},
        Path(auth.key_file).read_text(),
        algorithm=auth.algorithm,
        headers={"typ": "at+jwt", "kid": auth.key_id},
    )
