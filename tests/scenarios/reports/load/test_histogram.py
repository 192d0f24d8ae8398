"""Histograms of a report: read exactly, and refused when they are none."""

import base64
import struct
import zlib
from unittest.mock import patch

import pytest
from hdrh.histogram import HdrHistogram

from createflow.scenarios.reports.load.histogram import MAX_BYTES, read_distribution
from createflow.schemas.error import UserError
from tests.scenarios.reports.load.made_load_report import encoded, load_report

HUNDRED = [float(value) for value in range(1, 101)]


def test_ranks_are_those_of_the_values() -> None:
    """The p-th percentile is the smallest value that p percent do not exceed: no rounding of the rank."""
    found = read_distribution(load_report(histograms={"response": encoded(HUNDRED)}), "response")
    assert (found.count, round(found.max_ms), round(found.mean_ms, 1)) == (100, 100, 50.5)
    assert [(rank, round(value)) for _, rank, value in found.quantiles([0.0, 0.5, 0.501, 0.99, 1.0])] == [
        (1, 1), (50, 50), (51, 51), (99, 99), (100, 100)
    ]  # fmt: skip


def test_a_curve_rises_from_the_fastest_to_the_slowest() -> None:
    """At 1/(1-q): 1 is the fastest, 10 is p90, the last is the slowest."""
    curve = read_distribution(load_report(histograms={"response": encoded(HUNDRED)}), "response").curve()
    assert curve[0] == (1.0, pytest.approx(1, rel=1e-2))
    assert dict(curve)[10.0] == pytest.approx(90, rel=1e-2)
    assert curve[-1] == (100.0, pytest.approx(100, rel=1e-2))
    assert [point[1] for point in curve] == sorted(point[1] for point in curve)


def test_one_request_is_a_distribution_too() -> None:
    """And none is an empty one."""
    assert len(read_distribution(load_report(histograms={"response": encoded([5.0])}), "response").curve()) == 1
    assert read_distribution(load_report(histograms={}), "response").curve() == []


def _bomb() -> str:
    packed = zlib.compress(bytes(MAX_BYTES * 4))
    return base64.b64encode(struct.pack(">II", 0x1C849304, len(packed)) + packed).decode()


def test_what_would_unpack_into_gigabytes_is_not_unpacked() -> None:
    """It never reaches the library, which would."""
    with patch.object(HdrHistogram, "decode") as decode, pytest.raises(UserError):
        read_distribution(load_report(histograms={"response": _bomb()}), "response")
    assert not decode.called


@pytest.mark.parametrize("text", ["no base64!", "AAAA", encoded([1.0])[:-8]])
def test_an_invalid_histogram_is_an_error(text: str) -> None:
    """A file can come from anywhere."""
    with pytest.raises(UserError, match="histogram 'response' cannot be read"):
        read_distribution(load_report(histograms={"response": text}), "response")
