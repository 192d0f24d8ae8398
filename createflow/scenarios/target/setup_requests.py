"""What must exist before the first create and go after the last: the profile's set-up and tear-down requests."""

import json
from collections.abc import Sequence

from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.templates import filled, filled_path
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile import Request

_SHOWN_CHARACTERS = 200


async def set_up(connection: HttpConnection, requests: Sequence[Request], who: Principal) -> None:
    """Send the requests in order, and keep what they capture.

    Raises:
        TargetError: one was not answered as it should be.
        UserError: a variable has no value, or nothing is where it should be captured.
    """
    for number, request in enumerate(requests, 1):
        where = f"setup request {number}, {request.method} {request.path}"
        try:
            reply = await _sent(connection, request, who)
        except NoReply as error:
            raise TargetError(connection.profile.target.base_url, f"{where}: {error.exchange.error}") from None
        if not _accepted(reply, request):
            text = reply.body[:_SHOWN_CHARACTERS].decode("utf-8", "replace")
            raise TargetError(
                connection.profile.target.base_url,
                connection.mask.text(f"{where}: answered {reply.status} with {text!r}"),
                hint="statuses = [...] names the ones that are good",
            )
        _capture(connection, request, reply, where)


async def tear_down(connection: HttpConnection, requests: Sequence[Request], who: Principal) -> tuple[str, ...]:
    """Send all requests, whatever becomes of each. Returns what went wrong, in words."""
    troubles: list[str] = []
    for number, request in enumerate(requests, 1):
        where = f"teardown request {number}, {request.method} {request.path}"
        try:
            reply = await _sent(connection, request, who)
        except (NoReply, UserError) as error:
            troubles.append(f"{where}: {error}")
            continue
        if not _accepted(reply, request):
            troubles.append(f"{where}: answered {reply.status}")
    return tuple(troubles)


async def _sent(connection: HttpConnection, request: Request, who: Principal) -> Reply:
    variables = connection.variables
    content = None if request.body is None else json.dumps(filled(request.body, variables)).encode()
    headers = {} if content is None else {"content-type": "application/json"}
    return await connection.send(
        request.method, filled_path(request.path, variables), who.current(), headers | request.headers, content
    )


def _accepted(reply: Reply, request: Request) -> bool:
    return reply.status in request.statuses if request.statuses else reply.accepted


def _capture(connection: HttpConnection, request: Request, reply: Reply, where: str) -> None:
    if not request.capture:
        return
    try:
        document = json.loads(reply.body)
    except ValueError:
        document = None
    for name, pointer in request.capture.items():
        value = value_at(document, pointer)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise UserError(f"{where}: nothing to capture at {pointer}", hint="a JSON Pointer to a string or a number")
        connection.variables[name] = str(value)
