"""Which certificates are believed."""

import ssl

from createflow.schemas.error import UserError


def trust(ca_file: str | None) -> ssl.SSLContext:
    """A verifying context: the system's authorities, or the one of this PEM file.

    Raises:
        UserError: the file is not a certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UserError(
            f"ca_file {ca_file}: not a PEM certificate: {error}", hint="name the authority's certificate"
        ) from None
