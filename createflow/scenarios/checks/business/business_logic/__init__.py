"""Step 7: the same wish twice is one resource, and nobody overwrites what they have not seen."""

from createflow.scenarios.checks.business.business_logic import concurrency, idempotency, wishes

PARTS = (wishes, idempotency, concurrency)
