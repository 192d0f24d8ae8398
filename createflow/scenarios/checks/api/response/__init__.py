"""Step 16: the reply says what was made, where it is, by whom and when, and errors say no more than they should."""

from createflow.scenarios.checks.api.response import fidelity, identity, refusals, reply

PARTS = (reply, fidelity, identity, refusals)
