"""SARIF 2.1.0 for code scanning views: a rule for each check, a result for each failure."""

import json
from typing import Any
from urllib.parse import quote

from createflow.scenarios.harness.finding_id import fingerprint
from createflow.scenarios.reports.conformance.problems import (
    describe_baseline_entry,
    explain_as_text,
    list_notes,
    source_location,
)
from createflow.scenarios.reports.conformance.verdict import is_gating
from createflow.scenarios.reports.format.text import printable_lines
from createflow.scenarios.text.printable import printable_json
from createflow.schemas.report import CheckResult, Exchange, Finding, Level, Outcome, RunReport, Standing

_LEVELS = {Level.MUST: "error", Level.SHOULD: "warning", Level.MAY: "note"}
_URL = "https://github.com/createflow/createflow"


def render(report: RunReport) -> str:
    """The whole log. A tolerated failure is a suppressed result, with the reason of its baseline entry."""
    by_id = {result.id: result for result in report.results}
    rules = {name: number for number, name in enumerate(by_id)}
    run = {
        "tool": {
            "driver": {
                "name": "createflow",
                "semanticVersion": report.createflow_version,
                "informationUri": _URL,
                "rules": [_rule(result) for result in by_id.values()],
            }
        },
        "automationDetails": {"id": f"createflow/{report.run_id}"},
        "invocations": [_invocation(report)],
        "results": [
            _result(report, result, result.finding, rules[result.id])
            for result in report.results
            if result.outcome is Outcome.FAILED and result.finding is not None
        ],
        "columnKind": "unicodeCodePoints",
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return printable_json(json.dumps(log, indent=1, ensure_ascii=False)) + "\n"


def _rule(result: CheckResult) -> dict[str, Any]:
    return {
        "id": result.id,
        "shortDescription": _message(result.title),
        "fullDescription": _message(f"{result.title} {result.why}".strip()),
        "help": _message(f"{result.why}\nSource: {result.source}".strip()),
        "defaultConfiguration": {"level": _LEVELS[result.level]},
        "properties": {"tags": [result.step.tier.value, result.step.value, result.level.value]},
    }


def _result(report: RunReport, result: CheckResult, finding: Finding, rule: int) -> dict[str, Any]:
    file, line = source_location(report, result)
    shown: dict[str, Any] = {
        "ruleId": result.id,
        "ruleIndex": rule,
        "kind": "fail",
        "level": "error" if is_gating(report, result) else _LEVELS[result.level],
        "message": _message(explain_as_text(result)),
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": quote(file)}, "region": {"startLine": line}},
                "logicalLocations": [{"name": result.step.value, "fullyQualifiedName": result.id, "kind": "function"}],
            }
        ],
        "partialFingerprints": {"createflowFacet/v1": fingerprint(result.id, finding)},
    }
    for entry in report.baseline:
        if entry.id == result.id and entry.standing is Standing.TOLERATED:
            justification = describe_baseline_entry(entry)
            shown["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    if finding.exchanges:
        shown |= _exchange(finding.exchanges[-1])
    return shown


def _message(text: str) -> dict[str, str]:
    """A message without embedded links: a bracket after a backslash ends no link text (SARIF 2.1.0 section 3.11.6)."""
    return {"text": printable_lines(text).replace("](", r"\](")}


def _exchange(exchange: Exchange) -> dict[str, Any]:
    request = {
        "protocol": "http",
        "method": exchange.method,
        "target": exchange.url,
        "headers": exchange.request_headers,
        "body": {"text": exchange.request_body},
    }
    if exchange.status is None:
        return {"webRequest": request, "webResponse": {"noResponseReceived": True, "reasonPhrase": exchange.error}}
    response = {
        "protocol": "http",
        "statusCode": exchange.status,
        "headers": exchange.response_headers,
        "body": {"text": exchange.response_body},
    }
    return {"webRequest": request, "webResponse": response}


def _invocation(report: RunReport) -> dict[str, Any]:
    notes = [
        {"level": "error", "message": _message(f"{result.id} is broken: {result.reason}")}
        for result in report.results
        if result.outcome is Outcome.BROKEN
    ]
    notes += [
        {"level": "warning", "message": _message(f"{result.id} is inconclusive: {result.reason}")}
        for result in report.results
        if result.outcome is Outcome.INCONCLUSIVE
    ]
    notes += [{"level": "note", "message": _message(note.strip())} for note in list_notes(report)]
    return {
        "executionSuccessful": not report.interrupted,
        "startTimeUtc": report.started_at,
        "toolExecutionNotifications": notes,
    }
