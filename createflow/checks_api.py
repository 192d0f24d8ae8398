"""What a check of your own is written with. These names are stable; ``docs/own-checks.md`` explains them.

Everything else of createflow may change between versions.
"""

from random import Random

from createflow.scenarios.checks.support.fixtures import Resource, created
from createflow.scenarios.harness.check import Check, Need, check
from createflow.scenarios.harness.expect import expect, expect_header, expect_same_fields, expect_status
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import (
    AuditTrail,
    Cache,
    Event,
    EventLog,
    Primary,
    Replica,
    Replicas,
    Row,
    SearchIndex,
)
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import Faults, Issuer, RawHttp, Target, Tokens
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step
from createflow.schemas.report import Exchange, Level

__all__ = [
    "ANONYMOUS",
    "AuditTrail",
    "Cache",
    "Check",
    "Event",
    "EventLog",
    "Exchange",
    "Expectation",
    "Faults",
    "Inconclusive",
    "Issuer",
    "Level",
    "Need",
    "NotDeclared",
    "Primary",
    "Principal",
    "Random",
    "RawHttp",
    "Replica",
    "Replicas",
    "Reply",
    "Resource",
    "Row",
    "SearchIndex",
    "Step",
    "Target",
    "Tokens",
    "check",
    "created",
    "eventually",
    "expect",
    "expect_header",
    "expect_same_fields",
    "expect_status",
]
