"""The listed values: at and around each bound, the same every time, and never more than a body may have."""

import pytest

from createflow.scenarios.bodies.bounds import UNDECLARED_LENGTHS, Judgement, values_of
from createflow.scenarios.bodies.generate import fitting


def texts(schema: dict[str, object], **options: object) -> dict[str, bool | None]:
    """Whether each value fits, by its text; ``None`` where the schema does not say."""
    values = values_of(schema, **options)  # type: ignore[arg-type] # one of its options
    judged = fitting({"properties": {"p": schema}}, "p", [value.parsed for value in values])
    fits = {Judgement.REFUSED: False, Judgement.KEPT_OR_REFUSED: None}
    return {value.text: fits.get(value.judgement, verdict) for value, verdict in zip(values, judged, strict=True)}


def test_every_type_and_what_is_no_json_is_tried_for_every_property() -> None:
    """One type fits; the rest does not."""
    found = texts({"type": "boolean"})
    assert {text for text, fit in found.items() if fit} == {"true", "false"}
    assert {"null", "1", "1.5", '"text"', '["x"]', '{"x": 1}', "NaN", "Infinity", "-Infinity"} <= found.keys()
    assert None not in found.values()


def test_lengths_are_one_below_at_and_above_in_code_points() -> None:
    """A text of four-byte letters is as long as one of others."""
    found = texts({"type": "string", "minLength": 3, "maxLength": 300})
    assert {text: found[text] for text in found if text.endswith("letters") and text[0].isdigit()} == {
        "2 letters": False,
        "2 four-byte letters": False,
        "3 letters": True,
        "3 four-byte letters": True,
        "4 letters": True,
        "4 four-byte letters": True,
        "299 letters": True,
        "299 four-byte letters": True,
        "300 letters": True,
        "300 four-byte letters": True,
        "301 letters": False,
        "301 four-byte letters": False,
        "256 letters": None,
    }


def test_texts_without_a_bound_are_long() -> None:
    """As long as the body may be."""
    lengths = {f"{count:,} letters" for count in UNDECLARED_LENGTHS}
    assert lengths <= texts({"type": "string"}).keys()
    assert "65,536 letters" not in texts({"type": "string"}, longest=60_000)
    assert all(len(value.raw) < 60_100 for value in values_of({"type": "string", "maxLength": 100_000}, longest=60_000))


@pytest.mark.parametrize(
    ("schema", "fitting_texts"),
    [
        ({"minimum": 3, "maximum": 5}, {"minimum +0", "minimum +1", "maximum +0"}),
        ({"exclusiveMinimum": 3}, {"exclusiveMinimum +1", "2^31", "2^53 + 1", "2^63", "10^40"}),
    ],
)
def test_quantities(schema: dict[str, object], fitting_texts: set[str]) -> None:
    """One below, at and above each bound; great numbers are judged by the bounds where there are any."""
    found = texts({"type": "integer", **schema})
    assert fitting_texts <= {text for text, fit in found.items() if fit}
    assert {"minimum -1", "exclusiveMinimum -1", "maximum +1"} & found.keys() <= {
        text for text, fit in found.items() if fit is False
    }
    assert texts({"type": "integer"})["2^53 + 1"] is None


def test_lists_choices_and_free_objects() -> None:
    """Each by its own bounds."""
    items = texts({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3})
    assert {text: items[text] for text in items if text.endswith(" items")} == {
        "1 items": True,
        "2 items": True,
        "3 items": True,
        "4 items": False,
    }
    assert texts({"enum": ["a", "b"]})['the choice "a"'] is True
    free = texts({"type": "object"})
    assert {"an object with 2^63", "an object with a NUL", "an object nested 50 deep"} <= free.keys()
    assert not any("an object with 2^63" in text for text in texts({"type": "object", "properties": {"a": {}}}))


def test_a_format_leaves_a_text_undecided() -> None:
    """Only its length is decided."""
    found = texts({"type": "string", "format": "email", "maxLength": 30})
    assert found["30 letters"] is None
    assert found["31 letters"] is False


def test_no_value_is_tried_twice_and_the_list_is_the_same_every_time() -> None:
    """So that findings keep their ids."""
    schema = {"type": ["string", "null"], "maxLength": 4, "minLength": 4, "enum": ["text"]}
    values = values_of(schema)
    assert len({value.raw for value in values}) == len(values)
    assert [value.text for value in values] == [value.text for value in values_of(schema, unique=True)]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "maxLength": 5},
        {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]},
        {"allOf": [{"oneOf": [{"type": "null"}, {"type": ["string", "null"], "maxLength": 5}]}]},
        {"enum": ["a", "b"]},
        {"const": "a"},
    ],
    ids=["a type", "an alternative", "a nested alternative", "choices without a type", "one choice without a type"],
)
def test_texts_are_tried_however_a_schema_says_that_there_are_texts(schema: dict[str, object]) -> None:
    """Optional properties of FastAPI are alternatives, and choices of Django have no type."""
    tried = {value.text for value in values_of(schema)}
    assert {"a lone surrogate", "a NUL"} <= tried
    assert ("6 letters" in tried) is ("maxLength" in str(schema))
