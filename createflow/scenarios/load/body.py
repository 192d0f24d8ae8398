"""Unique create bodies at the price of one string formatting."""

from createflow.scenarios.contract import Contract

PLACE = "%(k)s"
"""Where the arrival's number goes. No two requests of a run share it, whichever node sends them."""


def body_template(contract: Contract, *, run_id: str) -> str:
    """The JSON body of every request of a run, a ``%`` template with ``PLACE`` in it.

    The name carries the run, so that all that a run has created can be found again and told apart.
    """
    if contract.raw is not None:
        return contract.raw.decode().replace("%", "%%")
    body = contract.document()
    name, limit = f"load {run_id} {PLACE}", contract.max_length(contract.fields.name)
    # Twelve digits of arrivals at most: a name that is too long would be refused only late in the run.
    room = limit is None or len(name) - len(PLACE) + 12 <= limit
    body[contract.fields.name] = name if room else PLACE
    if set(body.get("metadata", ())) == {"createflow"}:
        body["metadata"] = {"run": run_id, "arrival": PLACE}
    text = contract.shape.body(body).decode().replace("%", "%%").replace(f"%{PLACE}", PLACE)
    return text.replace(f'"arrival":"{PLACE}"', f'"arrival":{PLACE}')
