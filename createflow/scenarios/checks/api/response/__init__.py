"""Step 16: the reply shows the resource, its URL, creator and creation time; refusals disclose no internals."""

from createflow.scenarios.checks.api.response import fidelity, identity, refusals, reply

PARTS = (reply, fidelity, identity, refusals)
