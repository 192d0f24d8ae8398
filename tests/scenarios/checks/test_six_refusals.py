"""The six refusals must differ, and what cannot be brought about is told, not passed over."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from createflow.scenarios.checks.api.response import refusals
from createflow.scenarios.checks.api.response.refusals import six_refusals_are_told_apart
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.reply import Refusals, Reply
from createflow.scenarios.target.write_record import WriteRecord
from createflow.schemas.profile import FaultName, Limits
from createflow.schemas.profile_target import Target
from tests.scenarios.checks.memory_target import MemoryTarget, reply

pytestmark = pytest.mark.anyio
CODES = {400: "validation", 401: "nobody", 403: "forbidden", 429: "slower", 500: "database", 503: "away"}
WRITER, READER = Principal("writer", "w"), Principal("reader", "r")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_EFFECT_WITHIN_S", 0.05)


@dataclass
class Broken:
    """Fills the role Faults."""

    name: str = ""
    works: bool = True

    @asynccontextmanager
    async def injected(self, *names: FaultName) -> AsyncIterator[None]:
        """In inside the block."""
        self.name = names[0] if self.works else ""
        yield
        self.name = ""


@dataclass
class Gates(MemoryTarget):
    """Refuses in six ways, each with a code."""

    faults: Broken = field(default_factory=Broken)
    codes: Mapping[int, str] = field(default_factory=lambda: CODES)
    statuses: Mapping[int, int] = field(default_factory=dict)
    media_type: str = "application/problem+json"
    unpaced: int = 0

    async def create(self, body: Any = None, *, who: Principal | None = None, paced: bool = True, **_: Any) -> Reply:
        """Look at each gate in turn."""
        self.unpaced += not paced
        status = {ANONYMOUS: 401, READER: 403}.get(who or self.writer)
        if isinstance(body, bytes):
            status = 400
        if self.faults.name:
            status = 500 if self.faults.name == "database_error" else 503
        if self.unpaced > 20:
            status = 429
        if status is None:
            return await MemoryTarget.create(self)
        code = self.codes.get(status)
        document = {"code": code} if code else {}
        refused = reply(self.statuses.get(status, status), document, content_type=self.media_type)
        return replace(refused, refusals=Refusals(self.contract.errors))


class People:
    """Fills as much of the role Tokens as is asked for."""

    def reader(self) -> Principal:
        """May not create."""
        return READER


async def _run(target: Gates, **probes: Any) -> None:
    given = {"target": target, "tokens": People(), "faults": target.faults, "record": WriteRecord("run")} | probes
    await six_refusals_are_told_apart.function(**given)


def _gates(**changes: Any) -> Gates:
    return Gates(writer=WRITER, limits=Limits(rate_per_s=0.001, burst=20), **changes)


async def test_six_refusals_with_codes_of_their_own_pass() -> None:
    """Whether in problem documents or, where nobody says where a code is, by their statuses alone."""
    await _run(_gates())
    await _run(_gates(media_type="application/json", codes=dict.fromkeys(CODES, "error")))


async def test_a_code_that_stands_for_two_refusals_is_accused() -> None:
    """Both are named."""
    with pytest.raises(Expectation, match="429; seen both have the code away"):
        await _run(_gates(codes={**CODES, 429: "away"}))


async def test_a_missing_code_is_accused_where_the_profile_says_that_there_is_one() -> None:
    """Elsewhere statuses are enough."""
    codes = {status: code for status, code in CODES.items() if status != 500}
    await _run(_gates(codes=codes))
    declared = Target.model_validate({"base_url": "http://x", "errors": {"code": "/code"}})
    with pytest.raises(Expectation, match="a code for the 500"):
        await _run(_gates(codes=codes, contract=Contract(declared)))


async def test_one_status_for_two_refusals_needs_two_codes() -> None:
    """As a profile may declare."""
    errors = {"statuses": {"unavailable": 500}}
    target = Target.model_validate({"base_url": "http://x", "errors": errors})
    await _run(_gates(statuses={503: 500}, contract=Contract(target)))
    with pytest.raises(Expectation, match="503; seen both 500"):
        await _run(_gates(statuses={503: 500}, contract=Contract(target), media_type="text/plain"))


async def test_another_status_than_the_flow_promises_is_accused() -> None:
    """A limit that answers as if the subject were forbidden to ask."""
    with pytest.raises(Expectation, match="expected 403"):
        await _run(_gates(statuses={403: 401}))


async def test_what_cannot_be_brought_about_is_listed() -> None:
    """It is skipped, each with its reason, and the others are compared all the same."""
    target = _gates()
    target.limits = None
    with pytest.raises(
        NotDeclared,
        match=r"^400 are distinct.*401: .auth. is not configured; 403: .*; 500: .*; 503: .*; 429: .*limits",
    ):
        await _run(target, tokens=None, faults=None)
    with pytest.raises(NotDeclared, match="400, 401, 403, 429 are distinct"):
        await _run(_gates(), faults=None)
    with pytest.raises(Expectation, match="distinct refusals"):
        await _run(_gates(codes={**CODES, 429: "nobody"}), faults=None)


async def test_a_fault_without_effect_proves_nothing() -> None:
    """What was declared and not reached is inconclusive."""
    with pytest.raises(Inconclusive, match="had no effect"):
        await _run(_gates(faults=Broken(works=False)))


async def test_what_an_earlier_check_provoked_is_not_provoked_again() -> None:
    """Neither the faults nor the flood are needed, and what differed then is still compared."""
    record = WriteRecord("run")
    met = {
        500: "transaction.database_error_is_500_and_leaves_nothing",
        503: "service_router.service_down_is_503",
        429: "rate_limit.excess_is_429",
    }
    for status, check_id in met.items():
        refused = replace(
            reply(status, {"code": CODES[status]}, content_type="application/problem+json"),
            refusals=Refusals(Contract(Target.model_validate({"base_url": "http://x"})).errors),
        )
        record.refused(b"", None, refused, check_id, WRITER)
    target = _gates()
    target.limits = None
    await _run(target, faults=None, record=record)
    with pytest.raises(Expectation, match="distinct refusals"):
        await _run(_gates(codes={**CODES, 400: CODES[429]}), faults=None, record=record)
