"""What was done last, and how long ago."""

from createflow.reference_server.domain.progress import TELL_EVERY_S, Progress
from tests.fake_clock import FakeClock


def test_the_last_outcome_counts_and_grows_old() -> None:
    """Nothing at all is neither a failure nor a success."""
    clock = FakeClock()
    progress = Progress(clock.monotonic)
    assert not progress.is_failing
    assert not progress.has_succeeded_within(1e9)
    progress.succeeded()
    clock.advance(4.0)
    assert progress.has_succeeded_within(5.0)
    assert not progress.has_succeeded_within(3.0)
    progress.failed()
    assert not progress.has_succeeded_within(5.0)
    assert progress.since_success_s == 4.0
    clock.advance(4.0)
    assert progress.has_failed_within(5.0)
    assert not progress.has_failed_within(3.0)
    progress.succeeded()
    assert not progress.has_failed_within(5.0)


def test_failures_one_after_the_other_are_told_now_and_then() -> None:
    """The first one, and again after a while; the first one after a success, too."""
    clock = FakeClock()
    progress = Progress(clock.monotonic)
    assert [progress.failed(), progress.failed()] == [True, False]
    clock.advance(TELL_EVERY_S)
    assert [progress.failed(), progress.failed()] == [True, False]
    progress.succeeded()
    assert progress.failed()
