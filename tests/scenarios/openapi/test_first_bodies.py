"""The first bodies of documents in the shapes of ten makers, held to the documents by a validator of others."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.drafting.first_body import with_first_body
from createflow.scenarios.openapi.create_operation import find_create_operation
from createflow.scenarios.openapi.document import read_document

DOCUMENTS = Path(__file__).with_name("documents")
FILES = sorted([*DOCUMENTS.glob("*.*"), DOCUMENTS / "library" / "openapi.yaml"])
SCRIPT = Path(__file__).parents[3] / "benchmarks" / "first_body.py"


@pytest.fixture(scope="module")
def first_body() -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("first_body", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name if file.stem == "openapi" else file.stem)
def test_the_first_body_of_every_create_fits_its_document(file: Path, first_body: Any) -> None:
    """As it would be sent."""
    with first_body.one_process():
        found = list(first_body.judged(file))
    assert found
    assert [one for one in found if one.problem] == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"data": {"name": "a"}}, "due"),
        ({"data": {"name": "a", "due": "2024-01-01", "gid": "x"}}, "read-only"),
        ({"data": {"name": 1, "due": "2024-01-01"}}, "not of type"),
        ({"data": {"name": "a", "due": "2024-01-01"}, "name": "made up"}, "unexpected"),
        ({"data": {"name": "a", "due": None}}, ""),
    ],
)
def test_the_judge_refuses_what_does_not_fit(first_body: Any, body: Any, words: str) -> None:
    """Missing, read-only, of another type, or made up."""
    written = first_body.WrittenDocument(DOCUMENTS / "tracker.yaml")
    problem = written.misfit(written.schema_of("POST", "/tasks"), body)
    assert words.lower() in problem.lower()
    assert bool(problem) == bool(words)


@pytest.mark.parametrize(
    ("file", "operation", "name", "pointer"),
    [
        ("payments.yaml", "POST /charges", "statement", ""),
        ("payments.yaml", "POST /refunds", "", ""),
        ("payments.yaml", "POST /methods", "holder", ""),
        ("storefront.yaml", "POST /articles", "headline", "/data/attributes"),
        ("storefront.yaml", "POST /carts", "note", "/cart"),
        ("hosting.yaml", "PUT /volumes/{volume_id}", "label", ""),
        ("tracker.yaml", "POST /projects", "title", "/data"),
        ("cluster.yaml", "POST /labels", "title", "/-"),
        ("cluster.yaml", "POST /hosts", "", ""),
        ("bank.yaml", "POST /accounts", "alias", ""),
        ("bank.yaml", "POST /orders", "", ""),
    ],
)
def test_the_text_of_a_run_has_its_place(file: str, operation: str, name: str, pointer: str, first_body: Any) -> None:
    """Or the body has none, and is sent as it is."""
    with first_body.one_process():
        found = with_first_body(find_create_operation(read_document(str(DOCUMENTS / file)), operation))
    assert (found.name, found.request_pointer, bool(found.body)) == (name, pointer, name == "")


def test_a_body_that_nothing_fits_is_told_and_not_made_up(first_body: Any) -> None:
    """Of options that always fit together none can be chosen; options that overlap can."""
    text = {"type": "string"}
    one = {"type": "object", "properties": {"a": text}}
    both = {"type": "object", "properties": {"a": text, "b": text}}
    found = []
    for options in ([one, both], [{**one, "additionalProperties": False}, both]):
        content = {"application/json": {"schema": {"oneOf": options}}}
        post = {"requestBody": {"content": content}, "responses": {"201": {}}}
        with first_body.one_process():
            found.append(with_first_body(find_create_operation({"openapi": "3.1.0", "paths": {"/x": {"post": post}}})))
    assert [bool(operation.problem) for operation in found] == [True, False]
    assert "no body can be made" in found[0].notes[0]
    assert found[0].body == "{}"


def test_a_choice_that_cannot_be_told_apart_is_not_judged(first_body: Any) -> None:
    """A mistake in one option may be right in another; where a name says which it is, it is judged."""
    with first_body.one_process():
        read = read_document(str(DOCUMENTS / "bank.yaml"))
        several = with_first_body(find_create_operation(read, "POST /orders"))
        kinds = with_first_body(find_create_operation(read, "POST /accounts"))
    assert several.schema is None
    assert kinds.schema is not None
    assert kinds.schema["properties"]["kind"]["const"] == "giro"
