"""The first body of a create that a document describes, and the field of it that carries each create's own text.

Everything that a profile will need is tried here: a body is made as a run makes it, and held against the schema.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from createflow.scenarios.bodies import bounded
from createflow.scenarios.openapi.create_operation import CreateOperation
from createflow.scenarios.openapi.name_field import name_fields
from createflow.scenarios.openapi.union import distinct_options, merged
from createflow.scenarios.openapi.values import as_list, as_object, names_of
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target.contract import Contract
from createflow.schemas.error import UserError
from createflow.schemas.profile_target import Fields, Target

_MOST_ALTERNATIVES = 4
_MOST_NAMES = 3
_ENOUGH_S = 15.0
"""Then no other field or choice is tried."""
_BASE_URL = "http://127.0.0.1"
NO_TEXT = (
    "no field of the body takes any text: each create sends the same bytes, and creates are not told apart by name"
)


def with_first_body(operation: CreateOperation) -> CreateOperation:
    """The create with the schema, the name field and, where no field takes any text, the exact body of its profile.

    Where no body can be made, a note says why.
    """
    if operation.whole is None and not operation.alternatives:
        return replace(operation, name="name", body="", notes=(*operation.notes, _NO_SCHEMA))
    found, problem = _named(operation)
    if found is not None:
        return found
    exact = _exact(operation) if operation.body_as == "json" else _NO_TEXT_IN_A_FORM
    if isinstance(exact, str):
        problem = f"no body can be made: {problem or exact}"
        made = replace(operation, schema=None, body="{}", request_pointer="", request_also={}, name="", problem=problem)
        return replace(made, notes=(*made.notes, f"{problem}; write one into the file of the body"))
    body = json.dumps(exact, indent=2, ensure_ascii=False)
    made = replace(operation, schema=None, body=body, request_pointer="", request_also={}, name="")
    if operation.whole is not None and operation.whole.get("properties"):
        judged = replace(made, schema=operation.whole)
        made = judged if _problem(judged) is None else made
    return replace(made, notes=(*made.notes, NO_TEXT))


_NO_TEXT_IN_A_FORM = "no field of the form takes any text"
_NO_SCHEMA = "the document has no schema of the body: write target.schema_file or target.body"


def _named(operation: CreateOperation) -> tuple[CreateOperation | None, str]:
    """The create with the first alternative and field that make a body; else why the first one does not."""
    end_s = time.monotonic() + _ENOUGH_S
    problems: list[str] = []
    for schema in _in_order(operation):
        for name in name_fields(schema)[:_MOST_NAMES]:
            tried = replace(operation, schema=schema, name=name)
            problem = _problem(tried)
            if problem is None:
                return tried, ""
            problems.append(str(problem))
            if time.monotonic() > end_s:
                return None, problems[0]
            if not (problem.hint or "").startswith(name):
                break
    return None, next(iter(problems), "")


def _in_order(operation: CreateOperation) -> Iterator[dict[str, Any]]:
    """The alternatives, from those that the document's first example is of."""
    several = operation.alternatives[:_MOST_ALTERNATIVES]
    examples = [one for schema in several[:1] for one in as_list(schema.get("examples"))[:1]]
    if len(several) > 1 and examples:
        return iter(sorted(several, key=lambda schema: bool(_misfit(schema, examples[0]))))
    return iter(several)


def _misfit(schema: dict[str, Any], value: Any) -> str:
    try:
        return bounded.misfits_at_once(schema, [value])[0]
    except Inconclusive as error:
        return str(error)


def _problem(operation: CreateOperation) -> UserError | None:
    """Why no body can be made as the profile will say; ``None`` where one is."""
    with tempfile.TemporaryDirectory() as folder:
        schema_file, body_file = Path(folder) / "schema.json", Path(folder) / "body.json"
        schema_file.write_text(json.dumps(operation.schema), encoding="utf-8")
        body_file.write_text(operation.body, encoding="utf-8")
        try:
            Contract(
                Target(
                    base_url=_BASE_URL,
                    schema_file=str(schema_file) if operation.schema is not None else None,
                    body_file=str(body_file) if operation.body else None,
                    body_as=operation.body_as,
                    fields=Fields(name=operation.name or "name"),
                )
            )
        except UserError as error:
            return UserError(error.message.replace(str(schema_file), "the schema"), hint=error.hint)
    return None


def _exact(operation: CreateOperation) -> Any:
    """A whole body, or why there is none, as text."""
    whole = operation.whole
    if whole is None:
        return "the document has no schema of it"
    for example in operation.examples:
        if not _misfit(whole, example):
            return example
    problem = ""
    named = list(as_object(merged(whole).get("properties")))
    # A body of everything says more than an empty one, which fits wherever nothing is required.
    full = [{"allOf": [whole], "required": named}] if named and not names_of(merged(whole).get("required")) else []
    for schema in [*full, whole, *distinct_options(whole)]:
        # Bodies are made of objects; this one may be a list.
        definitions = {"$defs": whole["$defs"]} if "$defs" in whole else {}
        around = {"type": "object", "required": ["body"], "properties": {"body": schema}, **definitions}
        try:
            made = bounded.valid_body_at_once(around)["body"]
        except Inconclusive as error:
            problem = problem or str(error)
            continue
        if schema is not whole and _misfit(whole, made):
            continue
        return made if isinstance(made, (dict, list)) else f"it is no object and no list: {made!r}"
    return problem
