"""Messages that are told again."""

from itertools import chain, repeat

from createflow.scenarios.load.node.told_lately import ToldLately
from createflow.scenarios.load.plan.messages import Document


def _nothing() -> list[Document]:
    return []


def test_what_is_kept_meanwhile_is_told_too() -> None:
    """Each message is sent in turn, and others are told while that waits."""
    lately = ToldLately(5.0)
    lately.keep([{"n": 1}, {"n": 2}])
    heard = []
    for document in lately.drain(_nothing):
        heard.append(document["n"])
        if document["n"] < 3:
            lately.keep([{"n": document["n"] + 2}])
    assert heard == [1, 2, 3, 4]


def test_what_is_new_comes_last() -> None:
    """Also what becomes new while the last of them is sent."""
    lately = ToldLately(5.0)
    lately.keep([{"n": 1}])
    new = chain([[{"n": 2}], [{"n": 3}, {"n": 4}]], repeat([]))
    assert [document["n"] for document in lately.drain(lambda: next(new))] == [1, 2, 3, 4]


def test_a_send_that_fails_loses_nothing() -> None:
    """All of a message are kept before the first is sent."""
    lately = ToldLately(5.0)
    next(iter(lately.keep([{"n": 1}, {"n": 2}])))
    assert [document["n"] for document in lately.drain(_nothing)] == [1, 2]


def test_what_is_old_is_forgotten() -> None:
    """It was heard, or never will be."""
    now_s = 0.0
    lately = ToldLately(5.0, lambda: now_s)
    lately.keep([{"n": 1}])
    now_s = 6.0
    lately.keep([{"n": 2}])
    assert [document["n"] for document in lately.drain(_nothing)] == [2]
