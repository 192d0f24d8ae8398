"""What a report shows of a request and its reply: cut to a readable size, without secrets, and as a curl command."""

import re
import shlex
from collections.abc import Mapping

from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.run_context import header_variable
from createflow.schemas.profile_target import Target
from createflow.schemas.report import Exchange

SHOWN_CHARACTERS = 4096
_SHOWN_HEADERS = 64
_SHOWN_VALUE_CHARACTERS = 1024
_LONGEST_CURL_BODY_BYTES = 4096
_PLAIN = re.compile(r"[A-Za-z0-9 :._-]*")
"""What needs no quoting within double quotes."""


def request_record(
    target: Target,
    method: str,
    url: str,
    *,
    who: Principal,
    headers: Mapping[str, str],
    content: bytes | None,
) -> Exchange:
    """The record of a request before its reply. The token and the profile's headers are shown as variables."""
    shown = {name: header_variable(name) for name in target.headers} | dict(headers)
    if who.token is not None:
        shown[who.header] = who.credential("$TOKEN")
    return Exchange(
        method=method,
        url=url,
        request_headers=shown,
        request_body=cut(content or b""),
        curl=curl_line(method, url, shown, content, variables=_variables(target, who, headers), ca_file=target.ca_file),
    )


def _variables(target: Target, who: Principal, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers whose value is secret, each with the variable that stands for it."""
    variables = {name: header_variable(name) for name in target.headers if name not in headers}
    return variables if who.token is None else {**variables, who.header: "$TOKEN"}


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The first headers of a reply, each cut to a readable length."""
    return {name: value[:_SHOWN_VALUE_CHARACTERS] for name, value in list(headers.items())[:_SHOWN_HEADERS]}


def cut(body: bytes) -> str:
    """The first characters of a body, readable whatever its bytes are."""
    text = body[: SHOWN_CHARACTERS * 4].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
    return text[:SHOWN_CHARACTERS]


def curl_line(
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | None,
    *,
    variables: Mapping[str, str],
    ca_file: str | None = None,
) -> str:
    """The request as a command for a POSIX shell (bash for bodies that are not text).

    Why ``variables``: everything else is quoted, since the target chose part of it (an ETag that is sent back).

    Args:
        variables: the variable, such as ``$TOKEN``, that the shell fills in, by header.
    """
    parts = ["curl", "-i"]
    if any(sign in url for sign in "[]{}"):
        parts.append("--globoff")
    if ca_file:
        parts += ["--cacert", shlex.quote(ca_file)]
    parts += ["-X", shlex.quote(method), shlex.quote(url)]
    for name, value in headers.items():
        line = f"{name}: {value}" if value else f"{name};"
        parts += ["-H", _header(line, variables.get(name, ""))]
    if content is not None and len(content) > _LONGEST_CURL_BODY_BYTES:
        return " ".join([*parts, "--data-binary", "@body"]) + f"  # body: a file of {len(content)} bytes"
    if content is not None:
        # A text that begins with @ would name a file.
        parts += ["--data-raw" if content.startswith(b"@") else "--data-binary", _body(content)]
    return " ".join(parts)


def _header(line: str, variable: str) -> str:
    before, found, after = line.partition(variable) if variable else (line, "", "")
    if not found:
        return shlex.quote(line)
    if _PLAIN.fullmatch(before + after):
        return f'"{line}"'
    quoted = [shlex.quote(part) if part else "" for part in (before, after)]
    return f'{quoted[0]}"{variable}"{quoted[1]}'


def _body(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and (text or not content):
        return shlex.quote(text)
    return "$'" + "".join(_ansi_c(byte) for byte in content) + "'"


def _ansi_c(byte: int) -> str:
    plain = 32 <= byte < 127 and chr(byte) not in "'\\"
    return chr(byte) if plain else f"\\x{byte:02x}"
