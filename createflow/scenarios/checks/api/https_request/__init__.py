"""Step 1: what is not a proper request is refused as such, and every reply is fit to be sent."""

from createflow.scenarios.checks.api.https_request import framing, headers, limits, plaintext

PARTS = (limits, headers, framing, plaintext)
