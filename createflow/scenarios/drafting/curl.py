"""Reads a curl command as documentation and browsers write it. Nothing is run, and no file is read."""

import argparse
import re
import shlex
from typing import Any, NoReturn
from urllib.parse import urlsplit

from createflow.scenarios.drafting.recorded import Exchange
from createflow.schemas.error import UserError

_MOST_CHARACTERS = 1024 * 1024
_HINT = "createflow init --from-curl 'curl -X POST https://... -H ... -d ...'; - reads it from standard input"
_WITH_VALUE = (
    "-o --output -x --proxy -m --max-time --connect-timeout -w --write-out --retry --retry-delay "
    "--retry-max-time --resolve --connect-to -c --cookie-jar -E --cert --key --cacert --capath --cert-type "
    "--key-type --ciphers --interface -K --config --limit-rate -r --range -D --dump-header --max-redirs "
    "--noproxy --proxy-user -U --stderr --trace --trace-ascii -y -Y -z --time-cond --unix-socket --pinnedpubkey "
    "--tls-max --aws-sigv4 --proxy-header --dns-servers -t -C --continue-at --local-port "
    "--happy-eyeballs-timeout-ms --variable --keepalive-time -T --upload-file "
)
_WITHOUT_VALUE = (
    "-s --silent -S --show-error -L --location --location-trusted -v --verbose -i --include --show-headers -k "
    "--insecure --compressed -f --fail --fail-with-body -g --globoff -N --no-buffer -# --progress-bar -0 "
    "--http1.0 --http1.1 --http2 --http2-prior-knowledge --http3 --tlsv1.2 --tlsv1.3 -4 --ipv4 -6 --ipv6 "
    "--path-as-is --raw -O --remote-name -J -n --netrc --basic --digest --anyauth --negotiate --ntlm -Z "
    "--parallel --tr-encoding --ssl-reqd --no-keepalive -q --tcp-nodelay --styled-output --no-progress-meter "
    "--disable -R --remote-time -a -p "
)
# The only quotes that shlex does not know: those of a shell with escapes in them, as browsers write.
_ANSI_C = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "0": "\0"}


class _Raw(str):
    """A body in which ``@`` names no file."""

    __slots__ = ()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        what, colon, words = message.partition("unrecognized arguments: ")
        if colon:
            # Only the names: values may be secrets.
            message = (
                f"options that are not known: {' '.join(word for word in words.split() if word[:1] == '-') or what}"
            )
        raise UserError(f"--from-curl: {message}", hint=_HINT)


def read_curl(command: str) -> Exchange:
    """The request that a curl command would send.

    Raises:
        UserError: it is none, it sends a form or a file, or it has no URL.
    """
    if len(command) > _MOST_CHARACTERS:
        raise UserError(f"--from-curl: more than {_MOST_CHARACTERS} characters", hint=_HINT)
    words = _words(command)
    if not words or words[0].rpartition("/")[2] not in {"curl", "curl.exe"}:
        raise UserError("--from-curl: it does not begin with curl", hint=_HINT)
    given = _parser().parse_args(words[1:])
    url = next(iter([*given.url, *given.place]), "")
    if not url:
        raise UserError("--from-curl: it has no URL", hint=_HINT)
    if given.form:
        raise UserError("--from-curl: -F sends a form, and a create needs a JSON body", hint=_HINT)
    _require_no_file([*given.data, *given.json])
    headers = [
        (name.strip(), value.strip()) for name, colon, value in (one.partition(":") for one in given.header) if colon
    ]
    if given.oauth2_bearer:
        headers.append(("Authorization", f"Bearer {given.oauth2_bearer}"))
    if given.cookie:
        headers.append(("Cookie", "; ".join(given.cookie)))
    url, user = _without_user(url if "://" in url else f"http://{url}")
    body = "".join(given.json) if given.json else "&".join(given.data)
    if body and not given.json and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    method = given.request.upper() or ("POST" if body else "GET")
    return Exchange(method=method, url=url, headers=tuple(headers), body=body, user=given.user or user)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="curl", add_help=False, allow_abbrev=False)
    several: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("-H", "--header", **several)
    parser.add_argument("-d", "--data", "--data-binary", "--data-ascii", "--data-urlencode", dest="data", **several)
    parser.add_argument("--data-raw", dest="data", type=_Raw, **several)
    parser.add_argument("--json", **several)
    parser.add_argument("-F", "--form", "--form-string", dest="form", **several)
    parser.add_argument("-b", "--cookie", **several)
    parser.add_argument("--url", **several)
    parser.add_argument("place", nargs="*")
    parser.add_argument("-X", "--request", default="")
    parser.add_argument("-u", "--user", default="")
    parser.add_argument("--oauth2-bearer", default="")
    parser.add_argument("-A", "--user-agent", "-e", "--referer", dest="ignored")
    for name in _WITH_VALUE.split():
        parser.add_argument(name, dest="ignored")
    for name in _WITHOUT_VALUE.split():
        parser.add_argument(name, dest="ignored", action="store_true")
    parser.add_argument("-G", "--get", "-I", "--head", dest="reads", action="store_true")
    return parser


def _words(command: str) -> list[str]:
    text = re.sub(r"[\\^`]\r?\n", " ", command.strip().removeprefix("$ "))
    text = _ANSI_C.sub(lambda match: shlex.quote(_ESCAPE.sub(_letter, match[1])), text)
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UserError(f"--from-curl: a quote is not closed: {error}", hint=_HINT) from None


def _letter(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        value = int(code[1:], 16)
        return chr(value) if value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\ufffd"
    if code.isdigit() and code != "0":
        return chr(int(code, 8))
    return _LETTERS.get(code, code)


def _require_no_file(values: list[str]) -> None:
    if any(value.startswith("@") and not isinstance(value, _Raw) for value in values):
        problem = "--from-curl: it takes the body from a file (@), which is not read"
        raise UserError(problem, hint="write the body itself")


def _without_user(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # It may contain a password.
        raise UserError("--from-curl: its URL is not a valid address", hint=_HINT) from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise UserError("--from-curl: its URL is not an http:// or https:// address", hint=_HINT)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=host).geturl(), user
