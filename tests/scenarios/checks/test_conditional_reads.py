"""A read with a condition, and HEAD: what HTTP leaves no choice about is accused, and what it leaves open is not."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from createflow.scenarios.checks.api.response.conditional_reads import (
    any_matching_tag_is_304,
    condition_of_a_refused_request_is_ignored,
    head_is_as_a_read,
)
from createflow.scenarios.outcome import Expectation, NotDeclared, Prevented
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.reply import Reply
from createflow.schemas.profile_target import Target
from tests.scenarios.checks.memory_target import MemoryTarget, reply

pytestmark = pytest.mark.anyio
_TAG = re.compile('"[^"]*"')


@dataclass
class Tagged(MemoryTarget):
    """Shows an ETag with each read, and answers what has it with 304."""

    etag: str = '"one"'
    has_head: bool = True
    gone: int = 404

    def __post_init__(self) -> None:
        """Have deletes, which the contract of a memory target has not."""
        self.contract = Contract(Target.model_validate({"base_url": "http://x", "update": True, "delete": True}))

    async def send(
        self, method: str, url: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> Reply:
        """Answer as HTTP says."""
        if method == "HEAD" and not self.has_head:
            return self.bend(method, url, reply(405))
        honest = self._honest("GET" if method == "HEAD" else method, url, content)
        given = {**headers} if headers else {}
        if honest.status == 404:
            honest = reply(self.gone)
        elif method in {"GET", "HEAD"}:
            named = given.get("if-none-match", "")
            if named.strip() == "*" or self.etag.removeprefix("W/") in _TAG.findall(named):
                honest = reply(304)
            length = {"content-length": str(len(honest.body))}
            honest = replace(honest, headers={**honest.headers, "etag": self.etag, **length})
        return self.bend(f"{method} {json.dumps(given)}" if given else method, url, honest)

    async def read(self, url: str, *, headers: Mapping[str, str] | None = None, **_: object) -> Reply:
        """GET."""
        return await self.send("GET", url, headers=headers)

    async def update(self, url: str, body: Any, *, headers: Mapping[str, str] | None = None, **_: object) -> Reply:
        """PUT."""
        return await self.send("PUT", url, content=json.dumps(body).encode(), headers=headers)

    async def delete(self, url: str, *, headers: Mapping[str, str] | None = None, **_: object) -> Reply:
        """DELETE."""
        return await self.send("DELETE", url, headers=headers)


@pytest.mark.parametrize("etag", ['"one"', 'W/"one"'])
async def test_a_tag_may_be_anywhere_in_a_list(etag: str) -> None:
    """And weak or strong: the comparison is weak."""
    await any_matching_tag_is_304.function(target=Tagged(etag=etag))


async def test_who_reads_one_tag_only_is_accused() -> None:
    """The plain condition is met, a list is not."""

    def first_only(method: str, _url: str, honest: Reply) -> Reply:
        return reply(200) if honest.status == 304 and ", " in method.partition("{")[2] else honest

    with pytest.raises(Expectation, match="304 to a read with If-None-Match"):
        await any_matching_tag_is_304.function(target=Tagged(first_only))


async def test_without_conditions_another_check_tells_it() -> None:
    """One cause is told once; and without ETags there is nothing to compare."""
    with pytest.raises(Prevented, match="the current version"):
        await any_matching_tag_is_304.function(
            target=Tagged(lambda _m, _u, honest: reply(200, etag='"one"') if honest.status == 304 else honest)
        )
    with pytest.raises(NotDeclared, match="no ETag"):
        await any_matching_tag_is_304.function(target=MemoryTarget())


@pytest.mark.parametrize("gone", [404, 410])
async def test_what_is_not_there_has_no_condition(gone: int) -> None:
    """Either status says so."""
    await condition_of_a_refused_request_is_ignored.function(target=Tagged(gone=gone), tokens=None)


@pytest.mark.parametrize("status", [304, 412, 200])
async def test_a_condition_that_changes_a_refusal_is_accused(status: int) -> None:
    """Whatever it says then."""

    def kept(method: str, _url: str, honest: Reply) -> Reply:
        return reply(status) if honest.status == 404 and "if-none-match" in method else honest

    with pytest.raises(Expectation, match=r"404 to GET of a resource that is not there, with if-none-match"):
        await condition_of_a_refused_request_is_ignored.function(target=Tagged(kept), tokens=None)


async def test_an_etag_that_outlives_its_resource_is_accused() -> None:
    """The cache of tags knows no deletes."""
    known: set[str] = set()

    def kept(method: str, url: str, honest: Reply) -> Reply:
        if honest.status == 200:
            known.add(url)
        return reply(304) if honest.status == 404 and url in known and "if-none-match" in method else honest

    with pytest.raises(Expectation, match="that was deleted"):
        await condition_of_a_refused_request_is_ignored.function(target=Tagged(kept), tokens=None)


async def test_head_is_as_get_or_not_there() -> None:
    """With its length or none."""
    await head_is_as_a_read.function(target=Tagged())
    with pytest.raises(NotDeclared, match="405"):
        await head_is_as_a_read.function(target=Tagged(has_head=False))

    def without_length(method: str, _url: str, honest: Reply) -> Reply:
        return replace(honest, headers={"etag": '"one"'}) if method == "HEAD" else honest

    await head_is_as_a_read.function(target=Tagged(without_length))


async def test_another_length_or_status_of_head_is_accused() -> None:
    """Of a resource, and of one that was deleted."""

    def empty(method: str, _url: str, honest: Reply) -> Reply:
        return replace(honest, headers={**honest.headers, "content-length": "0"}) if method == "HEAD" else honest

    with pytest.raises(Expectation, match="in the reply to a HEAD"):
        await head_is_as_a_read.function(target=Tagged(empty))

    def found(method: str, _url: str, honest: Reply) -> Reply:
        return reply(200) if method == "HEAD" and honest.status == 404 else honest

    with pytest.raises(Expectation, match="HEAD of a deleted resource"):
        await head_is_as_a_read.function(target=Tagged(found))
