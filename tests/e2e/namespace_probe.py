"""Run where an attacker would be: what each port answers to who has no right there. One JSON object on standard output.

``python namespace_probe.py FOLDER HOST:PORT...`` with ``authority.pem``, ``stranger.pem``, ``member.pem`` there.
The last one has a right to some of them: a control.
"""

import json
import socket
import ssl
import struct
import sys

WAIT_S = 5.0
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
PLAIN = {
    "http": b"GET / HTTP/1.0\r\n\r\n",
    "valkey": b"PING\r\n",
    "postgres": _SSL_REQUEST,
    "nats": b'CONNECT {"verbose":true}\r\nPING\r\n',
}
_ALERT = b"\x15"


def said_in_plain_text(address: tuple[str, int], hello: bytes) -> str:
    """What a port says without TLS; empty when it closes, or answers with an alert of TLS."""
    with socket.create_connection(address, timeout=WAIT_S) as connection:
        try:
            connection.sendall(hello)
            said = connection.recv(1000)
        except ConnectionError:
            return ""
    return "" if said[:1] == _ALERT else said.decode("latin-1")


def said_to(address: tuple[str, int], folder: str, certificate: str) -> str:
    """What a port says over TLS to somebody with this certificate, or without one; empty when it closes."""
    trust = ssl.create_default_context(cafile=f"{folder}/authority.pem")
    trust.check_hostname = False  # a gateway has a name of its own
    trust.verify_mode = ssl.CERT_NONE
    if certificate:
        trust.load_cert_chain(f"{folder}/{certificate}")
    try:
        with (
            socket.create_connection(address, timeout=WAIT_S) as connection,
            trust.wrap_socket(connection, server_hostname=address[0]) as secured,
        ):
            secured.sendall(PLAIN["http"])
            return secured.recv(1000).decode("latin-1")
    except (ssl.SSLError, ConnectionError):
        return ""


def main() -> None:
    """Ask every port in every way."""
    folder, *places = sys.argv[1:]
    answers: dict[str, str] = {}
    for place in places:
        host, _, port = place.rpartition(":")
        for how, hello in PLAIN.items():
            answers[f"{place} plain {how}"] = said_in_plain_text((host, int(port)), hello)
        for who in ("", "stranger.pem", "member.pem"):
            answers[f"{place} TLS {who or 'nobody'}"] = said_to((host, int(port)), folder, who)
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main()
