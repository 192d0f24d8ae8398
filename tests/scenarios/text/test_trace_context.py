"""Trace ids are valid, and no two requests have the same."""

import re

import pytest

from createflow.scenarios.text.trace_context import new_traceparent, trace_id_in, trace_id_of


def test_each_has_a_trace_of_its_own_that_is_to_be_recorded() -> None:
    """In the form of W3C Trace Context §3.2.2."""
    made = [new_traceparent() for _ in range(50)]
    assert all(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", one) for one in made)
    assert len({trace_id_in(one) for one in made}) == 50


def test_the_arrivals_of_a_load_have_different_ones() -> None:
    """Whose last digits differ widely, as samplers expect."""
    ids = [trace_id_of("ab12cd34", k) for k in (-1, *range(1000), 100_000_000_000)]
    assert all(re.fullmatch("ab12cd34[0-9a-f]{24}", one) for one in ids)
    assert len(set(ids)) == len(ids)
    assert len({one[-16] for one in ids}) == 16


@pytest.mark.parametrize("run_id", ["", "test", "ABCDEF12", "ab12cd34ef"])
def test_a_run_id_of_another_form_makes_a_valid_one(run_id: str) -> None:
    """Lower-case hexadecimal digits alone are allowed."""
    assert re.fullmatch("[0-9a-f]{32}", trace_id_of(run_id, 7))


@pytest.mark.parametrize("text", ["", "x", "00-1-2-01"])
def test_what_is_no_traceparent_has_no_trace(text: str) -> None:
    """A profile may name anything."""
    assert trace_id_in(text) == ""
