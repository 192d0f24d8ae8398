"""A finding says where a copy differs, and not only in which field."""

from typing import Any

import pytest

from createflow.scenarios.sinks.copy_problem import json_state_problem


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ({"a": {"b": [1, 0.333]}}, "has metadata/a/b/1 = 0.333 instead of 0.3333333333333333"),
        ({"a": {"b": [1]}}, "has metadata/a/b = [1] instead of [1, 0.3333333333333333]"),
        ({"a": {}}, "has metadata/a/b = nothing instead of [1, 0.3333333333333333]"),
        ({"a": {"b": [1, 1 / 3]}, "c": 2}, "has metadata/c = 2 instead of nothing"),
        ({"a": {"b": [True, 1 / 3]}}, "has metadata/a/b/0 = True instead of 1"),
        (None, "has metadata = None instead of {'a': {'b': [1, 0.3333333333333333]}}"),
    ],
    ids=["a number", "a shorter list", "nothing", "more", "a truth value", "no object"],
)
def test_the_innermost_difference_is_told(kept: Any, words: str) -> None:
    """With what the copy has there, and what it should have."""
    state = {"name": "n", "metadata": {"a": {"b": [1, 1 / 3]}}}
    assert json_state_problem(state, {"name": "n", "metadata": kept}, "name") == words


def test_a_missing_field_is_nothing() -> None:
    """The name is in every copy."""
    assert json_state_problem({"name": "n"}, {}, "name") == "has name = nothing instead of 'n'"
