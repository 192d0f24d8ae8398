"""The frame of the pages: a policy for exactly its own style and scripts, and every value escaped."""

import re

import pytest
from jinja2 import UndefinedError

from createflow.scenarios.reports.format.html import read_part, render_page


def test_a_value_that_is_not_given_is_an_error() -> None:
    """A template never leaves a hole."""
    with pytest.raises(UndefinedError):
        render_page("load", title="t", scripts=("x",))


def test_each_page_has_the_style_of_the_frame_and_its_own() -> None:
    """Nothing in them is loaded from elsewhere."""
    for name in ("frame.css", "conformance.css", "load.css", "conformance.js", "load.js"):
        text = read_part(name)
        assert text.strip()
        assert not re.search(r"url\(|@import|https?:", text)
