"""All seeded defects, in the order of the flow."""

from difflib import get_close_matches

from createflow.reference_server.defects import (
    audit_log,
    auth_check,
    auth_check_tokens,
    business_logic,
    connection_pool,
    https_request,
    index_update,
    invalidate_cache,
    publish_event,
    rate_limit,
    replicate,
    response,
    service_router,
    transaction,
    validation,
    write_primary,
)
from createflow.reference_server.defects.defect import Defect
from createflow.schemas.error import UserError

MODULES = (
    https_request,
    auth_check,
    auth_check_tokens,
    rate_limit,
    validation,
    service_router,
    business_logic,
    transaction,
    publish_event,
    audit_log,
    connection_pool,
    write_primary,
    replicate,
    invalidate_cache,
    index_update,
    response,
)
"""Listed by hand. Each module has its defects in ``DEFECTS``."""

DEFECTS: dict[str, Defect] = {defect.name: defect for module in MODULES for defect in module.DEFECTS}
"""By name."""


def find_defect(name: str) -> Defect:
    """Return the seeded defect with this name.

    Raises:
        UserError: no defect has this name.
    """
    try:
        return DEFECTS[name]
    except KeyError:
        close = get_close_matches(name, DEFECTS)
        hint = f"did you mean {close[0]}?" if close else "the modules of reference_server/defects list the names"
        raise UserError(f"there is no seeded defect {name!r}", hint=hint) from None
