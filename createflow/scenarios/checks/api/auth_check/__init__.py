"""Step 3: nobody creates without a token that proves who they are and that they may."""

from createflow.scenarios.checks.api.auth_check import access, claims, credentials, forged_tokens, ownership

PARTS = (access, credentials, forged_tokens, claims, ownership)
