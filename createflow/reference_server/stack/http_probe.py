"""Asks an HTTP endpoint whether its process is ready."""

import ssl

import httpx


async def answers_200(url: str, *, verify: ssl.SSLContext | bool = False) -> bool:
    """Whether a GET is answered with 200; False when nobody listens yet.

    ``verify`` is False for the plain loopback addresses, where there is nothing to verify and loading the machine's
    authorities would cost more than the whole probe.
    """
    try:
        async with httpx.AsyncClient(verify=verify, timeout=1.0, trust_env=False) as client:
            return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
