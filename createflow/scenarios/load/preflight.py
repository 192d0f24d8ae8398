"""One create before the load: what is wrong with a target is told once and clearly, not ten thousand times."""

import ssl

import httpx

from createflow.scenarios.load.plan import LoadPlan
from createflow.scenarios.load.principals import credential
from createflow.schemas.error import TargetError, UserError

_SHOWN_CHARACTERS = 300
_HINTS = {
    401: "the profile's token is refused: look at [auth] (issuer, audience, key, expiry)",
    403: "the profile's writer may not create: look at [auth] writer_roles",
    404: "nothing is there: look at [target] path",
    405: "the path does not take POST: look at [target] path",
    413: "the body is too large for the target: look at [target] schema_file",
    415: "the target does not take application/json",
    400: "the body does not fit the target's schema: look at [target] schema_file",
    422: "the body does not fit the target's schema: look at [target] schema_file",
}


async def preflight(plan: LoadPlan) -> None:
    """Create one resource.

    Raises:
        UserError: the target answers that we ask wrongly.
        TargetError: it cannot be reached, or does not answer a create with 2xx.
    """
    target = plan.profile.target
    address = target.base_url
    headers = {"Content-Type": target.media_type, "Accept": target.accept, **target.headers}
    if plan.tokens:
        header, scheme = credential(plan.profile.auth)
        headers[header] = f"{scheme} {plan.tokens[0]}".strip()
    try:
        verify = ssl.create_default_context(cafile=target.ca_file)
        async with httpx.AsyncClient(verify=verify, timeout=plan.timeout_s, trust_env=False) as client:
            reply = await client.post(plan.url, content=plan.body % {"k": -1}, headers=headers)
    except httpx.TimeoutException:
        raise TargetError(address, f"no answer within {plan.timeout_s:g} s", hint="is it overloaded?") from None
    except (httpx.TransportError, OSError) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            hint = "[target] ca_file names the authority that signed the server's certificate"
        else:
            hint = "is it running, and is [target] base_url right?"
        raise TargetError(address, str(error) or type(error).__name__, hint=hint) from None
    if reply.is_success:
        return
    seen = f"a create is answered with {reply.status_code}: {' '.join(reply.text.split())[:_SHOWN_CHARACTERS]}"
    if reply.status_code in _HINTS:
        raise UserError(f"{address}: {seen}", hint=_HINTS[reply.status_code])
    raise TargetError(address, seen, hint="a load run needs a target that accepts creates when it is idle")
