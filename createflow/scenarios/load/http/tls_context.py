"""TLS as the load node speaks it: always verified."""

import ssl

from createflow.schemas.error import UserError


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies chain and name, for all connections of a node: made for each, it would read the CAs anew.

    Args:
        ca_file: the only authorities to trust; those of the system when there is none.

    Raises:
        UserError: the file cannot be read or holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    if not ca_file:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        reason = "no PEM file of certificates" if isinstance(error, ssl.SSLError) else error.strerror
        raise UserError(f"[target] ca_file {ca_file}: {reason}", hint="name the authority's certificate") from None
    return context
