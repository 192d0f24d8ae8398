"""A request as a command line for curl. What a target or a file chose is quoted, and nothing in it is run."""

import re
import shlex
from collections.abc import Iterator, Mapping

_LONGEST_BODY_BYTES = 4096
_LONGEST_LINE = 256 * 1024
"""More characters than the longest line that ``curl_line`` writes for the requests of createflow."""
_TOKEN = "$TOKEN"  # noqa: S105 - the name of the variable
_PLAIN = re.compile(r"[A-Za-z0-9 :._-]*")
"""What needs no quoting within double quotes."""
_METHOD = re.compile(r"[A-Za-z][!#$%&'*+.^_`|~0-9A-Za-z-]*")

# The parts of a word, as curl_line writes them. What is not quoted is read as text, whatever it means to a shell.
_SEGMENT = re.compile(
    r"\$'(?P<ansi>(?:[ -&(-\[\]-~]|\\x[0-9a-f]{2})*)'"
    r"|(?P<bare>[^\s'\"\\]+)"
    r"|'(?P<quoted>[^']*)'"
    r"|\"(?P<double>'|[A-Za-z0-9 :._-]*\$[A-Z0-9_]+[A-Za-z0-9 :._-]*)\""
)
_VARIABLE = re.compile(r"\$[A-Z0-9_]+")
_FILE_BODY = re.compile(r" --data-binary @body  # body: a file of ([0-9]{1,15}) bytes$")


class _Unknown(Exception):  # noqa: N818 - never leaves this module
    """The line is not one that ``curl_line`` writes."""


def header_variable(header: str) -> str:
    """What is shown in place of a header's value: ``$X_API_KEY`` for ``X-Api-Key``."""
    return "$" + re.sub(r"[^A-Z0-9]", "_", header.upper())


def curl_line(
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | None,
    *,
    variables: Mapping[str, str],
    ca_file: str | None = None,
    cert_file: str | None = None,
    key_file: str | None = None,
    has_token_in_url: bool = False,
    is_insecure: bool = False,
) -> str:
    """The request as a command for a POSIX shell (bash for bodies that are not text).

    Why ``variables``: everything else is quoted, since the target chose part of it (an ETag that is sent back).

    Args:
        variables: the variable, such as ``$TOKEN``, that the shell fills in, by header.
        ca_file: the authority of the server's certificate.
        cert_file: the certificate of the client.
        key_file: its key, where that is in another file.
        has_token_in_url: the shell fills in ``$TOKEN`` in the URL as well.
        is_insecure: the server's certificate is not verified.
    """
    parts = ["curl", "-i"]
    if is_insecure:
        parts.append("--insecure")
    if any(sign in url for sign in "[]{}"):
        parts.append("--globoff")
    for option, file in (("--cacert", ca_file), ("--cert", cert_file), ("--key", key_file)):
        parts += [option, shlex.quote(file)] if file else []
    parts += ["-X", shlex.quote(method), _header(url, _TOKEN if has_token_in_url else "")]
    for name, value in headers.items():
        line = f"{name}: {value}" if value else f"{name};"
        parts += ["-H", _header(line, variables.get(name, ""))]
    if content is not None and len(content) > _LONGEST_BODY_BYTES:
        return " ".join(parts) + _file_body(len(content))
    if content is not None:
        # A text that begins with @ would name a file.
        parts += ["--data-raw" if content.startswith(b"@") else "--data-binary", _body(content)]
    return " ".join(parts)


def rebuilt(line: str) -> str:
    """The line of a saved report, written again from its parts; empty if it is not one that ``curl_line`` writes.

    Why: a file of others can hold any command in its place. The only variables that the shell fills in are ``$TOKEN``
    and the one named after its header.
    """
    if len(line) > _LONGEST_LINE:
        return ""
    body_file = _FILE_BODY.search(line)
    try:
        words = iter(_words(line[: body_file.start()] if body_file else line))
        made = _from_words(words)
    except _Unknown:
        return ""
    return made + _file_body(int(body_file[1])) if body_file else made


def _file_body(size: int) -> str:
    return f" --data-binary @body  # body: a file of {size} bytes"


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


def _words(line: str) -> Iterator[tuple[bytes, str]]:
    """Each word as bytes, with the variable in it that the shell would fill in."""
    word, variable, start = b"", "", 0
    while start < len(line):
        if line[start] == " ":
            yield word, variable
            word, variable, start = b"", "", start + 1
            continue
        segment = _SEGMENT.match(line, start)
        if segment is None:
            raise _Unknown
        if segment["ansi"] is not None:
            word += re.sub(rb"\\x(..)", lambda found: bytes.fromhex(found[1].decode()), segment["ansi"].encode())
        else:
            text = segment[segment.lastgroup or "bare"]
            word += text.encode("utf-8", "backslashreplace")
            if segment["double"] is not None and (found := _VARIABLE.search(text)):
                variable = found[0]
        start = segment.end()
    yield word, variable


def _from_words(words: Iterator[tuple[bytes, str]]) -> str:
    """The command of these words.

    Raises:
        _Unknown: an option or a value that ``curl_line`` does not write.
    """
    if next(words, (b"",))[0] != b"curl":
        raise _Unknown
    options: dict[str, str] = {}
    headers: dict[str, str] = {}
    variables: dict[str, str] = {}
    content = None
    has_token_in_url = False
    for word, found in words:
        option = _text(word)
        if option in {"-i", "--globoff", "--insecure"} or option.startswith(("http://", "https://")):
            if options.setdefault(option[:4], option) != option:
                raise _Unknown
            has_token_in_url = has_token_in_url or found == _TOKEN
            continue
        value, variable = next(words, (b"", ""))
        if option == "-H":
            name, headers_value = _name_and_value(_text(value))
            headers[name] = headers_value
            if variable in {_TOKEN, header_variable(name)}:
                variables[name] = variable
        elif option == "--data-raw" or (option == "--data-binary" and not value.startswith(b"@")):
            content = value
        elif option in {"-X", "--cacert", "--cert", "--key"}:
            options[option] = _text(value)
        else:
            raise _Unknown
    if "http" not in options or not _METHOD.fullmatch(options.get("-X", "")):
        raise _Unknown
    return curl_line(
        options["-X"],
        options["http"],
        headers,
        content,
        variables=variables,
        ca_file=options.get("--cacert"),
        cert_file=options.get("--cert"),
        key_file=options.get("--key"),
        has_token_in_url=has_token_in_url,
        is_insecure="--in" in options,
    )


def _text(word: bytes) -> str:
    return word.decode("utf-8", "backslashreplace")


def _name_and_value(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(": ")
    if colon and value:
        return name, value
    if line.endswith(";"):
        return line[:-1], ""
    raise _Unknown
