"""Both JSON Schema engines agree on every document that passes the sanitiser."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from createflow.reference_server.domain.sanitising import Sanitiser, name_violations
from createflow.reference_server.domain.schema_check import SchemaCheck
from createflow.schemas.wire import wire_schema

SCHEMA = wire_schema("create_request")
CHECK = SchemaCheck(SCHEMA)
EXACT = Draft202012Validator(SCHEMA)

texts = st.one_of(st.text(max_size=4), st.integers(0, 3).map(lambda n: "é" * (198 + n)), st.just("x" * 2001))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(texts, inner, max_size=2)),
    max_leaves=5,
)
documents = st.one_of(
    values,
    st.fixed_dictionaries(
        {}, optional={"name": st.one_of(texts, values), "description": values, "metadata": values, "extra": values}
    ),
)


@given(documents)
def test_the_engines_agree(document: Any) -> None:
    """On every document without characters that the sanitiser refuses."""
    sanitiser = Sanitiser()
    clean = sanitiser.walk(document, "", 20)
    name = clean.get("name") if isinstance(clean, dict) else None
    if sanitiser.violations or (isinstance(name, str) and name_violations(name)):
        return
    assert CHECK.accepts(clean) == EXACT.is_valid(clean)


def test_all_violations_are_named_without_the_values() -> None:
    """Violations have pointers, our own texts, and keywords."""
    found = CHECK.violations({"name": "", "description": 5, "a/b~": "s3cret"})
    assert {violation.pointer for violation in found} == {"/name", "/description", "/a~1b~0"}
    assert "s3cret" not in repr([violation.detail for violation in found])
    assert [violation.keyword for violation in CHECK.violations({})] == ["required"]
