"""What the updates of a sample change: everything, nothing, or one field, each in turn."""

from createflow.scenarios.harness.write_sample import _partly_changed
from createflow.scenarios.target.contract import Contract
from createflow.schemas.profile_promises import Promises
from createflow.schemas.profile_target import Target


def test_each_field_is_changed_alone_and_all_are_changed_together() -> None:
    """A version, a cache or an index may depend on one of them."""
    contract = Contract(Target(base_url="http://x"), Promises(contract=True))
    changed = set()
    for number in range(12):
        sent = contract.varied(number)
        body = _partly_changed(contract.varied(number + 1), sent, number, "name")
        assert not contract.misfits([body])[0]
        changed.add(frozenset(name for name in body if body[name] != sent[name]))
    alone = {frozenset({name}) for name in ("name", "description", "metadata")}
    assert changed == {frozenset(), *alone, frozenset({"name", "description", "metadata"})}
