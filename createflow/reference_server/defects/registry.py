"""All seeded defects, in the order of the flow."""

from collections.abc import Sequence
from difflib import get_close_matches

from createflow.reference_server.defects.api import (
    auth_check,
    auth_check_tokens,
    https_request,
    load_balancer,
    rate_limit,
    response,
    response_reads,
    service_router,
    validation,
)
from createflow.reference_server.defects.business import (
    audit_log,
    business_logic,
    business_logic_keys,
    publish_event,
    publish_event_relay,
    transaction,
)
from createflow.reference_server.defects.data import (
    connection_pool,
    index_update,
    invalidate_cache,
    replicate,
    write_primary,
    write_primary_rows,
    write_primary_values,
)
from createflow.reference_server.defects.defect import AllSeeds, Defect, NoSeed
from createflow.reference_server.defects.slow import SLOW
from createflow.schemas.error import UserError

MODULES = (
    https_request,
    load_balancer,
    auth_check,
    auth_check_tokens,
    rate_limit,
    validation,
    service_router,
    business_logic,
    business_logic_keys,
    transaction,
    publish_event,
    publish_event_relay,
    audit_log,
    connection_pool,
    write_primary,
    write_primary_rows,
    write_primary_values,
    replicate,
    invalidate_cache,
    index_update,
    response,
    response_reads,
)
"""Listed by hand. Each module has its defects in ``DEFECTS``."""

DEFECTS: dict[str, Defect] = {defect.name: defect for module in MODULES for defect in module.DEFECTS}
"""By name."""


_CLOSE_MAX = 3


def seed_of(names: Sequence[str]) -> NoSeed:
    """Return a seed that puts in all defects with these names.

    Raises:
        UserError: no defect has one of the names.
    """
    return AllSeeds([find_defect(name).seed for name in names])


def find_defect(name: str) -> Defect:
    """Return the seeded defect with this name.

    Raises:
        UserError: no defect has this name.
    """
    try:
        return (DEFECTS | SLOW)[name]
    except KeyError:
        raise UserError(f"there is no seeded defect {name!r}", hint=_hint(name)) from None


def _hint(name: str) -> str:
    """The names that are spelt like this one, else those with a word of it, else where all names are."""
    close = get_close_matches(name.lower(), [*DEFECTS, *SLOW], _CLOSE_MAX)
    if not close:
        words = {word for word in name.lower().split("_") if word}
        close = [known for known in DEFECTS if words & set(known.split("_"))][:_CLOSE_MAX]
    if not close:
        return "docs/defects.md lists all names"
    *others, last = close
    return f"did you mean {', '.join(others)} or {last}?" if others else f"did you mean {last}?"
