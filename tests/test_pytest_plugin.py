"""``pytest --createflow-profile FILE`` shows each check as a test."""

import asyncio
import re
import threading
from collections.abc import Iterator

import pytest

from tests.scenarios.malformed_server import malformed_server, reply

pytest_plugins = ["pytester"]

OUTCOMES = '''
from createflow.checks_api import *

def declared(level=Level.MUST):
    return check(step=Step.RESPONSE, group="shop", source="ours", level=level)

@declared()
async def passes(target: Target) -> None:
    """It is so."""
    await created(target)

@declared()
async def fails(target: Target) -> None:
    """The reply has a colour."""
    made = await created(target)
    expect("colour" in made.shown, "a colour", "none", made.reply)

@declared(Level.SHOULD)
async def advises(target: Target) -> None:
    """The reply has a size."""
    made = await created(target)
    expect(False, "a size", "no size", made.reply)

@declared()
async def is_tolerated(target: Target) -> None:
    """The reply has a weight."""
    expect(False, "a weight", "no weight")

@declared()
async def is_stale(target: Target) -> None:
    """It is so again."""

@declared()
async def doubts(target: Target) -> None:
    """Nobody knows."""
    raise Inconclusive("not reached")

@declared()
async def needs_events(target: Target, events: EventLog) -> None:
    """There is an event."""

@declared()
async def is_wrong(target: Target) -> None:
    """It has a mistake."""
    raise KeyError("x")
'''
BASELINE = '[[baseline]]\nid = "shop.{}"\nreason = "ticket 1"\nexpires = 2099-01-01\n'


@pytest.fixture
def url() -> Iterator[str]:
    """A target with one resource, served by a thread."""
    ready, ending = threading.Event(), threading.Event()
    found: list[str] = []

    def habit(request: bytes) -> bytes:
        is_read = request.startswith(b"GET ")
        location = "" if is_read else "location: /api/resources/1\r\n"
        return reply("200 OK" if is_read else "201 Created", b'{"id": "1", "name": "x"}', headers=location)

    async def serve() -> None:
        async with malformed_server(habit) as base:
            found.append(base)
            ready.set()
            await asyncio.to_thread(ending.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    yield found[0]
    ending.set()
    thread.join(20)


def test_each_check_is_a_test_of_one_run(pytester: pytest.Pytester, url: str) -> None:
    """Every outcome has its own, and the tests beside them are run too."""
    pytester.makepyfile(test_own="def test_of_the_team(): pass", outcomes=OUTCOMES)
    baseline = BASELINE.format("is_tolerated") + BASELINE.format("is_stale")
    pytester.makefile(".toml", createflow=f'[target]\nbase_url = "{url}"\n{baseline}')
    options = ("--createflow-profile=createflow.toml", "--createflow-checks=outcomes.py", "-k", "shop or team")
    result = pytester.runpytest_subprocess(*options, "-v", "-rA", "-p", "no:cacheprovider", "-p", "no:xdist")
    result.assert_outcomes(passed=2, failed=3, skipped=1, xfailed=3, deselected=None)
    text = result.stdout.str()
    for line in (
        "createflow::shop::passes PASSED",
        "promised: The reply has a colour.\nexpected: a colour\nseen: none\nsource: ours (must)",
        "FAILED createflow::shop.fails - ",
        "createflow could not carry it out\npromised: It has a mistake.\nreason: KeyError: 'x'",
        "stale baseline entry: shop.is_stale passes now",
        "XFAIL createflow::shop.advises - only a should: no size",
        "XFAIL createflow::shop.doubts - inconclusive: not reached",
        "XFAIL createflow::shop.is_tolerated - known failure, tolerated until 2099-01-01: shop.is_tolerated (ticket 1)",
        "`sinks.events` is not configured",
    ):
        assert line in text
    assert re.search(r"collected \d+ items / \d+ deselected / 9 selected", text)
    assert text.count("target: createflow.toml") == 1, "one run"


@pytest.mark.thorough
def test_a_target_that_does_not_answer_is_told_once(pytester: pytest.Pytester) -> None:
    """The other checks are skipped."""
    result = pytester.runpytest_subprocess(
        "--createflow-url=http://127.0.0.1:1/api/resources", "-k", "response.create_is_201 or load_balancer", "-rs"
    )
    outcomes = result.parseoutcomes()
    assert (outcomes["failed"], outcomes.keys() >= {"skipped"}, "passed" in outcomes) == (1, True, False)
    result.stdout.fnmatch_lines(["http://127.0.0.1:1: *", "SKIPPED*no run: http://127.0.0.1:1: *"])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--createflow-profile=missing.toml",), "*missing.toml*"),
        (("--createflow-url=http://127.0.0.1:1/x", "-n", "2"), "*--dist loadgroup*"),
    ],
)
def test_what_cannot_be_used_is_an_error_of_usage(
    pytester: pytest.Pytester, options: tuple[str, ...], message: str
) -> None:
    """Before anything is run."""
    result = pytester.runpytest_subprocess(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_without_the_option_nothing_happens(pytester: pytest.Pytester) -> None:
    """And nothing else of createflow is imported."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            ours = {name for name in sys.modules if name.startswith("createflow")}
            assert ours == {"createflow", "createflow.pytest_plugin"}
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:schemathesis", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)
