"""Step 16: the reply shows the resource, its URL, creator and creation time; refusals disclose no internals."""

from createflow.scenarios.checks.api.response import fidelity, identity, reads, refusals, reply

PARTS = (reply, fidelity, identity, reads, refusals)
