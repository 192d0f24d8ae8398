"""Step 3: nobody creates without a token that proves who they are and that they may."""

from createflow.scenarios.checks.api.auth_check import claims, credentials, forgeries, ownership, refusals

PARTS = (refusals, credentials, forgeries, claims, ownership)
