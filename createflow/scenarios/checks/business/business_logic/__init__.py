"""Step 7: the same wish twice is one resource, and nobody overwrites what they have not seen."""

from createflow.scenarios.checks.business.business_logic import concurrent_writes, idempotency_key, idempotent_creates

PARTS = (idempotent_creates, idempotency_key, concurrent_writes)
