"""SARIF 2.1.0: of the shape that code scanning reads."""

import json
from typing import Any

import jsonschema

from createflow.scenarios.reports.conformance import as_sarif
from createflow.schemas.report import RunReport
from tests.scenarios.reports.conformance.made_report import report
from tests.scenarios.reports.hostile import HOSTILE

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
MESSAGES = {"type": "object", "required": ["message"], "properties": {"message": TEXT}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def closed(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    """An object of SARIF: the standard's schema allows no other property."""
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


HEADERS = {"type": "object", "additionalProperties": {"type": "string"}}
BODY = closed([], {"text": {"type": "string"}})
LOCATION = closed(
    ["physicalLocation"],
    {
        "physicalLocation": closed(
            ["artifactLocation", "region"],
            {
                "artifactLocation": closed(["uri"], {"uri": {"type": "string", "pattern": r"^[^\s\\]+$"}}),
                "region": closed(["startLine"], {"startLine": {"type": "integer", "minimum": 1}}),
            },
        ),
        "logicalLocations": {
            "type": "array",
            "items": closed(
                [],
                {"name": {"type": "string"}, "fullyQualifiedName": {"type": "string"}, "kind": {"type": "string"}},
            ),
        },
    },
)
RULE = closed(
    ["id"],
    {
        "id": {"type": "string"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": closed([], {"level": LEVEL}),
        "properties": {"type": "object"},
    },
)
RESULT = closed(
    ["message", "ruleId", "locations", "partialFingerprints"],
    {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "kind": {"const": "fail"},
        "level": LEVEL,
        "message": TEXT,
        "locations": {"type": "array", "items": LOCATION, "minItems": 1},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "suppressions": {
            "type": "array",
            "items": closed(
                ["kind"],
                {
                    "kind": {"enum": ["inSource", "external"]},
                    "status": {"enum": ["accepted", "underReview", "rejected"]},
                    "justification": {"type": "string"},
                },
            ),
        },
        "webRequest": closed(
            [],
            {
                "protocol": {},
                "method": {"type": "string"},
                "target": {"type": "string"},
                "headers": HEADERS,
                "body": BODY,
            },
        ),
        "webResponse": closed(
            [],
            {
                "protocol": {},
                "statusCode": {"type": "integer"},
                "headers": HEADERS,
                "body": BODY,
                "noResponseReceived": {"type": "boolean"},
                "reasonPhrase": {"type": "string"},
            },
        ),
    },
)
LOG = closed(
    ["version", "runs"],
    {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": closed(
                ["tool", "results"],
                {
                    "tool": closed(
                        ["driver"],
                        {
                            "driver": closed(
                                ["name"],
                                {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string"},
                                    "informationUri": {"type": "string"},
                                    "rules": {"type": "array", "items": RULE, "uniqueItems": True},
                                },
                            )
                        },
                    ),
                    "automationDetails": closed([], {"id": {"type": "string"}}),
                    "invocations": {
                        "type": "array",
                        "items": closed(
                            ["executionSuccessful"],
                            {
                                "executionSuccessful": {"type": "boolean"},
                                "startTimeUtc": {"type": "string"},
                                "toolExecutionNotifications": {"type": "array", "items": MESSAGES},
                            },
                        ),
                    },
                    "results": {"type": "array", "items": RESULT},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                },
            ),
        },
    },
)


def run_of(made: RunReport) -> dict[str, Any]:
    """The only run of the log."""
    log = json.loads(as_sarif.render(made))
    jsonschema.validate(log, LOG)
    run: dict[str, Any] = log["runs"][0]
    return run


def test_the_log_has_the_shape_of_the_standard() -> None:
    """With every kind of outcome in it, and with none."""
    run_of(HOSTILE)
    run_of(report())


def test_failures_are_results_and_point_at_their_rule_and_line() -> None:
    """A tolerated one is suppressed, with the reason."""
    run = run_of(HOSTILE)
    results = {entry["ruleId"]: entry for entry in run["results"]}
    assert list(results) == [f"auth_check.{name}" for name in ("counts", "advice", "tolerated", "expired")]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[entry["ruleIndex"]]["id"] == check_id for check_id, entry in results.items())
    assert [entry["level"] for entry in results.values()] == ["error", "warning", "error", "error"]
    where = results["auth_check.counts"]["locations"][0]["physicalLocation"]
    assert where == {"artifactLocation": {"uri": "deploy/create%20flow.toml"}, "region": {"startLine": 9}}
    assert "ticket 7" in results["auth_check.tolerated"]["suppressions"][0]["justification"]
    assert "suppressions" not in results["auth_check.expired"]


def test_an_alert_is_the_same_while_its_check_and_promise_are() -> None:
    """Two checks never share one."""
    prints = [entry["partialFingerprints"]["createflowFacet/v1"] for entry in run_of(HOSTILE)["results"]]
    assert len(set(prints)) == 4
    assert prints == [entry["partialFingerprints"]["createflowFacet/v1"] for entry in run_of(HOSTILE)["results"]]


def test_what_is_no_result_is_notified() -> None:
    """Broken, inconclusive, the baseline, and what was left behind."""
    notes = run_of(HOSTILE)["invocations"][0]["toolExecutionNotifications"]
    text = "\n".join(note["message"]["text"] for note in notes)
    for words in ("response.broken is broken", "response.unsure is inconclusive", "stale baseline", "https://h/2"):
        assert words in text
