"""Step 7: repeated creates make one resource, and updates never overwrite a version that the client has not seen."""

from createflow.scenarios.checks.business.business_logic import (
    concurrent_changes,
    concurrent_writes,
    conditions,
    idempotency_key,
    idempotent_creates,
)

PARTS = (idempotent_creates, idempotency_key, conditions, concurrent_writes, concurrent_changes)
