"""``HOST:PORT`` as users write it."""

from createflow.schemas.error import UserError


def address(text: str, *, option: str, host: str, port: int | None = None) -> tuple[str, int]:
    """Host and port.

    Args:
        text: ``HOST:PORT``; or ``HOST``, where there is a port that is meant; or ``PORT``; IPv6 in brackets.
        option: named in the error.
        host: the host that is meant when none is given.
        port: the port that is meant when none is given.

    Raises:
        UserError: it is none of these.
    """
    name, colon, number = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        name, number = ("", text) if text.isdigit() else (text, "" if port is None else str(port))
    name = name.strip("[]")
    if not number.isdigit() or int(number) > 65535 or " " in name:
        raise UserError(
            f"{option} {text}: not an address", hint=f"{option} HOST:PORT, for example {option} {host}:5557"
        )
    return name or host, int(number)
