"""Step 16: the reply shows the resource, its URL, creator and creation time; refusals disclose no internals."""

from createflow.scenarios.checks.api.response import conditional_reads, fidelity, identity, reads, refusals, reply

PARTS = (reply, conditional_reads, fidelity, identity, reads, refusals)
