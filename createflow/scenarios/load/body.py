"""Unique create bodies at the price of one string formatting."""

import json

from createflow.schemas.error import UserError
from createflow.schemas.profile import Target

_PLAIN_FIELDS = ("name", "description", "metadata")


def body_template(target: Target, create_schema: dict[str, object], *, run_id: str) -> str:
    """The JSON body with ``%(k)s`` where the number of the arrival goes, which no other request of the run has.

    The name carries the run, so that everything a run has created can be found and told apart.

    Raises:
        UserError: the profile's schema requires fields that are not known here.
    """
    properties = create_schema.get("properties")
    known = set(properties) if isinstance(properties, dict) else set(_PLAIN_FIELDS)
    name = target.fields.name
    required = create_schema.get("required")
    unknown = set(required if isinstance(required, list) else ()) - {name, *_PLAIN_FIELDS}
    if unknown:
        raise UserError(
            f"bench cannot fill the required fields {', '.join(sorted(unknown))} of {target.schema_file}",
            hint="bench fills name, description and metadata; make the other fields optional for the load test",
        )
    body: dict[str, object] = {name: f"load {run_id} %(k)s"}
    if "description" in known and name != "description":
        body["description"] = "Created by createflow bench."
    if "metadata" in known and name != "metadata":
        body["metadata"] = {"run": run_id, "arrival": "%(k)s"}
    escaped = json.dumps(body, separators=(",", ":")).replace("%", "%%").replace("%%(k)s", "%(k)s")
    # The arrival stands in metadata as a number: the quotes around its place belong to the template only.
    return escaped.replace('"arrival":"%(k)s"', '"arrival":%(k)s')
