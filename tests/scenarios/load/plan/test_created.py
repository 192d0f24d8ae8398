"""What a load created is kept for the clean-up, within bounds."""

import pytest

from createflow.scenarios.load.plan import created as module
from createflow.scenarios.load.plan.created import CreatedLog, CreatedRow, CreatedSince


def test_what_came_is_read_back_in_order() -> None:
    """Also while more is added, and as often as it is asked for."""
    rows = [CreatedRow(k, f"/things/{k}-\u00e4", f"{k}") for k in range(30_000)]
    log = CreatedLog()
    for start in range(0, len(rows), 7_000):
        log.add(rows[start : start + 7_000])
        assert list(log) == rows[: start + 7_000]
    assert list(log) == rows
    assert (log.count, log.beyond) == (30_000, 0)


def test_what_is_too_much_is_counted_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the parent."""
    monkeypatch.setattr(module, "_MAX_KEPT_BYTES", 10_000)
    log = CreatedLog()
    log.add((CreatedRow(k, f"/{k * 7919 % 99991}", "") for k in range(50_000)), beyond=3)
    assert log.count < 50_000
    assert log.count + log.beyond == 50_003
    assert len(list(log)) == log.count


def test_a_worker_holds_what_it_can_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is counted, and so is what no reply named."""
    monkeypatch.setattr(module, "_MAX_PENDING_CHARACTERS", 10_000)
    since = CreatedSince()
    for k in range(1_000):
        since.add(k, "/" + "x" * 98, "i")
    since.add(1_000, "", "")
    documents = list(since.to_documents())
    assert sum(len(document["created"]) for document in documents) == 100
    assert sum(document["beyond"] for document in documents) == 901


def test_messages_have_a_bounded_number_of_rows() -> None:
    """However many there are."""
    since = CreatedSince()
    for k in range(5_000):
        since.add(k, f"/{k}", "")
    assert [len(document["created"]) for document in since.to_documents()] == [2_000, 2_000, 1_000]
