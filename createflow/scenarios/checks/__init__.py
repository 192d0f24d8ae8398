"""Every check, one module or package a step, listed by hand in the order of the flow.

What may enter: checks, in the package of their tier, and what several of them share in ``support``.
"""

from types import ModuleType

from createflow.scenarios.checks.api import (
    auth_check,
    https_request,
    load_balancer,
    rate_limit,
    response,
    service_router,
    validation,
)
from createflow.scenarios.checks.business import audit_log, business_logic, publish_event, transaction
from createflow.scenarios.checks.data import connection_pool, index_update, invalidate_cache, replicate, write_primary
from createflow.scenarios.harness.check import Check

MODULES = (
    https_request,
    load_balancer,
    auth_check,
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


def parts_of(module: ModuleType) -> tuple[ModuleType, ...]:
    """The modules of a step: a package lists its ``PARTS``; a module is its own only part."""
    parts: tuple[ModuleType, ...] = getattr(module, "PARTS", (module,))
    return parts


CHECKS: tuple[Check, ...] = tuple(
    member
    for module in MODULES
    for part in parts_of(module)
    for member in vars(part).values()
    if isinstance(member, Check)
)
