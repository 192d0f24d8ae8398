"""A request as a curl line that works when pasted, with secrets taken from variables."""

import shlex
from collections.abc import Mapping

LONGEST_BODY_BYTES = 4096


def curl_line(
    method: str, url: str, headers: Mapping[str, str], content: bytes | None, *, ca_file: str | None = None
) -> str:
    """The line for a POSIX shell (bash for bodies that are not text).

    ``$NAME`` in a header's value is left for the shell to fill in.
    """
    words = ["curl", "-i"]
    if ca_file:
        words += ["--cacert", shlex.quote(ca_file)]
    words += ["-X", shlex.quote(method), shlex.quote(url)]
    for name, value in headers.items():
        words += ["-H", _header(f"{name}: {value}" if value else f"{name};")]
    if content is not None and len(content) > LONGEST_BODY_BYTES:
        return " ".join([*words, "--data-binary", "@body"]) + f"  # body: a file of {len(content)} bytes"
    if content is not None:
        words += ["--data-binary", _body(content)]
    return " ".join(words)


def _header(line: str) -> str:
    if "$" not in line:
        return shlex.quote(line)
    escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`")
    return f'"{escaped}"'


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
