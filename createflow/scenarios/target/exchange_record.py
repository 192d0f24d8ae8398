"""What a report shows of a request and its reply: cut to a readable size, without secrets, and as a curl command."""

from collections.abc import Mapping

from createflow.scenarios.target.principal import Principal
from createflow.scenarios.text.curl_line import curl_line, header_variable
from createflow.schemas.profile_target import Target
from createflow.schemas.report import Exchange

SHOWN_CHARACTERS = 4096
_SHOWN_HEADERS = 64
_SHOWN_VALUE_CHARACTERS = 1024


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
        shown |= {name: header_variable(name) for name, _ in who.also}
    if who.token is not None and not who.query:
        shown[who.header] = who.credential("$TOKEN")
    return Exchange(
        method=method,
        url=url,
        request_headers=shown,
        request_body=cut(content or b""),
        curl=curl_line(
            method,
            f"{url}{'&' if '?' in url else '?'}{who.pair('$TOKEN')}" if who.token is not None and who.query else url,
            shown,
            content,
            variables=_variables(target, who, headers),
            ca_file=target.ca_file,
            cert_file=target.client_certificate.cert_file if target.client_certificate else None,
            key_file=target.client_certificate.key_file if target.client_certificate else None,
            has_token_in_url=who.token is not None and bool(who.query),
            is_insecure=target.is_unverified,
        ),
    )


def _variables(target: Target, who: Principal, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers whose value is secret, each with the variable that stands for it."""
    variables = {name: header_variable(name) for name in target.headers if name not in headers}
    if who.token is None:
        return variables
    variables |= {name: header_variable(name) for name, _ in who.also}
    return variables if who.query else {**variables, who.header: "$TOKEN"}


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The first headers of a reply, each cut to a readable length."""
    return {name: value[:_SHOWN_VALUE_CHARACTERS] for name, value in list(headers.items())[:_SHOWN_HEADERS]}


def cut(body: bytes) -> str:
    """The first characters of a body, readable whatever its bytes are."""
    text = body[: SHOWN_CHARACTERS * 4].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
    return text[:SHOWN_CHARACTERS]
