"""What several tasks of a check raise at once is one verdict."""

import pytest

from createflow.scenarios.conformance.run_check import _weightiest
from createflow.scenarios.outcome import Expectation, Inconclusive
from createflow.scenarios.target.http_client import BadReply
from createflow.schemas.report import Exchange

BAD = BadReply("GET http://x: illegal header line", Exchange(method="GET", url="http://x"))
WRONG = Expectation("a", "b")
MISTAKE = KeyError("id")
UNKNOWN = Inconclusive("not reached")


@pytest.mark.parametrize(
    ("raised", "weightiest"),
    [
        ([BAD, BAD], BAD),
        ([UNKNOWN, BAD], UNKNOWN),
        ([UNKNOWN, MISTAKE], MISTAKE),
        ([BAD, MISTAKE, ExceptionGroup("", [WRONG])], WRONG),
    ],
    ids=["bad replies", "nothing known", "a mistake of ours", "an accusation, in a group of its own"],
)
def test_the_weightiest_of_them_decides(raised: list[Exception], weightiest: Exception) -> None:
    """An accusation, or else a mistake of ours: a reply that is none is not one."""
    assert _weightiest(ExceptionGroup("unhandled errors in a TaskGroup", raised)) is weightiest
