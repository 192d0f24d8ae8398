"""Step 1: invalid HTTP requests are refused, and every reply has the necessary headers."""

from createflow.scenarios.checks.api.https_request import framing, headers, limits, plaintext

PARTS = (limits, headers, framing, plaintext)
