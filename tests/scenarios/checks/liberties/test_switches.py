"""Whatever a profile declares: a server that is built so is told nothing, and the run ends 0."""

import asyncio
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from createflow.cli.exit_code import ExitCode
from createflow.cli.run_command import exit_code
from createflow.scenarios.harness.check import Check
from createflow.schemas.profile import Limits
from createflow.schemas.profile_auth import AUTH_MODELS
from createflow.schemas.profile_promises import Promises
from createflow.schemas.profile_target import Envelope, Errors, Fields, Target
from createflow.schemas.report import Outcome
from tests.scenarios.checks.liberties.lawful_run import run
from tests.scenarios.checks.liberties.liberty import Group
from tests.scenarios.checks.liberties.switches import SWITCHES
from tests.scenarios.checks.liberties.test_liberties import TRIED

_ORDERS = 12
_NEED_A_QUICK_MACHINE = ("rate_limit.", "response.six_refusals_are_told_apart", "auth_check.seen_token_ends_as_others")
"""They have to be quicker than a limit, or than the end of a token; beside other work they may be inconclusive."""
ELSEWHERE = {
    "target.base_url": "every run has one",
    "target.location_origins": "tests/scenarios/conformance/test_stranger.py",
    "target.ca_file": "TLS: the bundled stack has it in every run",
    "target.http": "tests/scenarios/target/test_http_2.py",
    "target.verify_tls": "tests/scenarios/target/test_tls.py",
    "target.client_certificate": "tests/scenarios/target/test_tls.py",
    "target.timeout_s": "every run has one",
    "target.schema_file": "every run without a body of its own has one; test_lawful_targets has ten",
    "target.idempotency_kept_s": "a restart of the service: tests/e2e",
    "target.errors.codes": "tests/scenarios/checks/test_six_refusals.py",
    "promises.contract": "the bundled stack: tests/e2e",
    "auth.key_file": "every run with tokens has one",
    "auth.roles_as": "tests/scenarios/target/credentials",
    "auth.expired_env": "tests/scenarios/target/credentials",
    "auth.expired": "tests/scenarios/target/credentials",
    "auth.lifetime_s": "tests/scenarios/target/credentials",
    **dict.fromkeys(
        [
            *("auth.client_env", "auth.login_as", "auth.user_field", "auth.password_field"),
            *(
                "auth.sent_in",
                "auth.sent_as",
                "auth.fields",
                "auth.first_path",
                "auth.csrf_pointer",
                "auth.secret_encoding",
            ),
        ],
        "tests/scenarios/target/credentials",
    ),
    "auth.timeout_s": "tests/scenarios/target/credentials/test_signer.py",
    "auth.scope": "tests/scenarios/target/credentials",
    "auth.ca_file": "tests/scenarios/target/credentials",
    "target.body_as": "tests/scenarios/target/test_other_forms.py",
    "target.form": "tests/scenarios/target/test_other_forms.py",
    "target.accepted": "tests/scenarios/target/test_other_forms.py",
    "target.created_status": "tests/scenarios/target/test_other_forms.py",
    "target.fields.unique": "tests/scenarios/target/test_real_values.py",
    "target.envelope.request_also": "tests/scenarios/target/test_representation.py",
}
"""Where else a key is used."""
ACCUSED: dict[tuple[str, ...], tuple[str, ...]] = {
    ("no Location",): (
        "response.location_is_given",
        "response.location_answers_the_same",
        "response.location_is_ours",
    ),
    ("a link in the body",): ("response.location_answers_the_same", "response.defaults_are_filled_alike"),
    ("a part of the 201",): ("business_logic.replay_is_the_first_reply",),
    ("a small bound of a body", "an envelope of requests"): ("https_request.oversized_body_is_413",),
    ("private", "an API key"): ("auth_check.others_resource_is_as_missing", "response.reads_match_writes_at_the_end"),
    ("late reads", "the bytes of a body"): ("response.etag_matches",),
    ("an update names a version", "late reads"): ("invalidate_cache.never_stale_after_update",),
    ("a limit by window",): (
        "invalidate_cache.never_stale_after_update",
        "connection_pool.refused_writes_leak_nothing",
        "replicate.own_write_is_read",
        "response.deleted_is_not_found",
    ),
    ("a small burst", "no credential"): (
        "https_request.bad_framing_is_refused",
        "https_request.smuggled_request_is_not_answered",
    ),
    ("a small burst",): ("invalidate_cache.never_stale_after_update", "business_logic.one_of_many_updates_wins"),
}
"""Switches, and the checks that took them for faults."""


def _agree(first: str, second: str) -> bool:
    group = Group()
    return group.takes(first, SWITCHES[first]) and group.takes(second, SWITCHES[second])


def _rows() -> list[Group]:
    """Groups in which every two switches that do not contradict each other are together once."""
    left = {frozenset(pair) for pair in itertools.combinations(SWITCHES, 2) if _agree(*pair)}
    rows: list[Group] = []
    random_ = random.Random(1)  # noqa: S311 - no secret
    while left:
        candidates = [_filled(left, random_) for _ in range(_ORDERS)]
        best = max(candidates, key=lambda group: len(_pairs(group) & left))
        left -= _pairs(best)
        rows.append(best)
    return rows


def _filled(left: set[frozenset[str]], random_: random.Random) -> Group:
    wanted = {name: sum(name in pair for pair in left) + random_.random() * 20 for name in SWITCHES}
    group = Group()
    for name in sorted(SWITCHES, key=lambda name: -wanted[name]):
        group.takes(name, SWITCHES[name])
    return group


def _pairs(group: Group) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in itertools.combinations(group.names, 2)}


def _problems(group: Group, checks: Sequence[Check] = TRIED) -> list[str]:
    """What the run says beside what passed, with its exit status where that is not 0."""
    report = asyncio.run(run(group.service, checks, sections=group.sections, schema=group.schema, front=group.front))
    told = [
        f"{result.id} {result.outcome.value}: {result.finding.seen if result.finding else result.reason}"
        for result in report.results
        if result.outcome not in {Outcome.PASSED, Outcome.SKIPPED}
        and not (result.outcome is Outcome.INCONCLUSIVE and result.id.startswith(_NEED_A_QUICK_MACHINE))
    ]
    is_known = told or any(result.outcome is Outcome.INCONCLUSIVE for result in report.results)
    return told if is_known else [f"exit status {code}" for code in [exit_code(report)] if code is not ExitCode.OK]


ROWS = _rows()


@pytest.mark.many(one_in=100)
@pytest.mark.parametrize("number", range(len(ROWS)))
def test_every_two_switches_together_end_a_run_with_0(number: int) -> None:
    """Each row has many of them; each two that do not contradict each other are in one row."""
    assert _problems(ROWS[number]) == [], ROWS[number].names


@pytest.mark.thorough
@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_alone_ends_a_run_with_0(name: str) -> None:
    """The other keys are those of ``lawful_run``."""
    group = Group()
    assert group.takes(name, SWITCHES[name])
    assert _problems(group) == []


@pytest.mark.parametrize(("names", "checks"), ACCUSED.items(), ids=[" and ".join(names) for names in ACCUSED])
def test_who_was_once_accused_is_not(names: tuple[str, ...], checks: tuple[str, ...]) -> None:
    """These servers keep their profile. Each check passes, or is skipped by what the profile declares."""
    group = Group()
    assert all(group.takes(name, SWITCHES[name]) for name in names)
    chosen = [check for check in TRIED if check.id in checks]
    assert len(chosen) == len(checks)
    assert _problems(group, chosen) == []


def _leaves(section: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in section.items():
        yield f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")


def test_every_key_is_a_switch_or_has_its_place_elsewhere() -> None:
    """A key that is added to the profile's model later needs one of both."""
    used = {key for switch in SWITCHES.values() for key in _leaves(switch.sections, "")}
    models = {
        "target.": (Target,),
        "target.fields.": (Fields,),
        "target.envelope.": (Envelope,),
        "target.errors.": (Errors,),
        "auth.": AUTH_MODELS,
        "limits.": (Limits,),
        "promises.": (Promises,),
    }
    keys = {prefix + key for prefix, classes in models.items() for model in classes for key in model.model_fields}
    assert keys - used == set(ELSEWHERE)
