"""Step 3: only a valid token with the right role creates."""

from createflow.scenarios.checks.api.auth_check import access, claims, credentials, forged_tokens, lifetimes, ownership

PARTS = (access, credentials, forged_tokens, claims, lifetimes, ownership)
