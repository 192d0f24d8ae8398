"""One create before the load: what is wrong with a target is told once and clearly, not ten thousand times."""

from createflow.scenarios.load.plan.plan import LoadPlan
from createflow.scenarios.load.plan.principals import Principals
from createflow.scenarios.load.plan.write_log import preflight_name
from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.operation import Operation

_SHOWN_CHARACTERS = 300
_HINTS = {
    401: "the profile's token is refused: look at [auth] (issuer, audience, key, expiry)",
    403: "the profile's writer may not create: look at [auth] writer_roles",
    404: "nothing is there: look at [target] path",
    405: "the path does not take this method: look at [target] path and method",
    413: "the body is too large for the target: look at [target] schema_file",
    415: "the target does not take this media type: look at [target] media_type",
    400: "the body does not fit the target's schema: look at [target] schema_file",
    422: "the body does not fit the target's schema: look at [target] schema_file",
}


async def preflight(plan: LoadPlan, principals: Principals, connection: HttpConnection) -> tuple[tuple[str, int], ...]:
    """Create one resource. Returns its path and whose it is, when the load reads or updates.

    Raises:
        UserError: the target answers that we ask wrongly.
        TargetError: it cannot be reached, or does not answer a create with 2xx.
    """
    address = plan.profile.target.base_url
    target = HttpTarget(connection, plan.contract, principals.one())
    document = None if plan.contract.raw is not None else plan.document(preflight_name(plan.run_id))
    try:
        reply = await target.create(document, paced=False)
    except NoReply as error:
        raise TargetError(address, error.exchange.error, hint=_hint(error.exchange.error)) from None
    if not reply.accepted:
        text = connection.mask.text(" ".join(reply.body.decode("utf-8", "replace").split()))
        seen = f"a create is answered with {reply.status}: {text[:_SHOWN_CHARACTERS]}"
        if reply.status in _HINTS:
            raise UserError(f"{address}: {seen}", hint=_HINTS[reply.status])
        raise TargetError(address, seen, hint="a load run needs a target that accepts creates when it is idle")
    if set(plan.mix.shares()) == {Operation.CREATE}:
        return ()
    url = connection.client.base_url.join(target.url_of(reply))
    return ((url.raw_path.decode("ascii"), 0),)


def _hint(error: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in error:
        return "[target] ca_file names the authority that signed the server's certificate"
    return "is it overloaded?" if "within" in error else "is it running, and is [target] base_url right?"
