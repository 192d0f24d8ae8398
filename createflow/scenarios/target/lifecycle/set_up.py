"""Requests of the profile before and after the checks: set-up, tear-down, and the removal of what the set-up made."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from createflow.scenarios.bodies.form_body import form_encoded
from createflow.scenarios.bodies.markers import nonce
from createflow.scenarios.bodies.template import Values, filled, made_values
from createflow.scenarios.target.gate import OriginRefused
from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.location import Origins
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.received import NotJson, json_of
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.representation import HEADER, LOCATION, last_segment
from createflow.scenarios.target.run_context import RunContext, filled_path
from createflow.scenarios.target.setup_and_cleanup import GONE_STATUSES, patiently
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_section import VARIABLE
from createflow.schemas.profile_target import FORM, Request, SetUp

_SHOWN_CHARACTERS = 200
Senders = Mapping[str, Principal]
"""The principals that send the requests, by their names in the profile."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A request after the checks."""

    where: str
    """What it is, for messages."""
    request: Request
    of_setup: int = 0
    """The number of the set-up request whose creation it removes; 0 for one of ``[[teardown]]``."""


async def set_up(
    connection: HttpConnection,
    requests: Sequence[SetUp],
    senders: Senders,
    on_captured: Callable[[], None] = lambda: None,
) -> None:
    """Send the profile's ``[[setup]]`` requests in order, and keep what they capture as variables of the run.

    Args:
        connection: to the target.
        requests: of the profile.
        senders: the principals by their names in the profile.
        on_captured: called after each request: what it created may have to be removed from then on.

    Raises:
        TargetError: a request was not answered, or with a status that is not accepted.
        UserError: a variable has no value, or a reply has nothing at the pointer to capture.
    """
    context = connection.context
    for number, request in enumerate(requests, 1):
        where = f"setup request {number}, {request.method} {request.path}"
        try:
            reply = await _send(connection, request, senders)
        except NoReply as error:
            raise TargetError(context.target.base_url, f"{where}: {error.exchange.error}") from None
        if not _is_accepted(reply, request):
            text = reply.body[:_SHOWN_CHARACTERS].decode("utf-8", "replace")
            raise TargetError(
                context.target.base_url,
                context.mask.text(f"{where}: answered {reply.status} with {text!r}"),
                hint="statuses = [...] lists the accepted ones"
                + ("; sender says whose credential it has" if reply.status in {401, 403} else ""),
            )
        context.set_up_requests = number
        _capture(context, request, reply, where)
        on_captured()


def endings(profile: Profile) -> tuple[Ending, ...]:
    """All requests after the checks: those of ``[[teardown]]``, then the removals of ``[[setup]]``, the last first."""
    last = [
        Ending(f"teardown request {number}, {request.method} {request.path}", request)
        for number, request in enumerate(profile.teardown, 1)
    ]
    for number, request in reversed(list(enumerate(profile.setup, 1))):
        if (removal := request.remove) is not None:
            where = f"the removal of setup request {number}, {removal.method} {removal.path}"
            removing = Request.model_construct(
                method=removal.method, path=removal.path, body=removal.body, headers=request.headers,
                sender=request.sender, form=request.form, statuses=(),
            )  # fmt: skip
            last.append(Ending(where, removing, number))
    return tuple(last)


async def tear_down(
    connection: HttpConnection,
    requests: Sequence[Ending],
    senders: Senders,
    *,
    answered: int = 0,
    on_answer: Callable[[int, str], None] = lambda _number, _problem: None,
) -> tuple[str, ...]:
    """Send all requests after the checks, also after one fails. Returns a message for each that failed.

    What a set-up request that was not answered would have created need not be removed.

    Args:
        connection: to the target.
        requests: see ``endings``.
        senders: the principals by their names in the profile.
        answered: so many were answered before.
        on_answer: called after each with its number, from 1, and the message if it failed, else an empty one.
    """
    problems: list[str] = []
    for number, ending in enumerate(requests[answered:], answered + 1):
        problem = ""
        if ending.of_setup <= connection.context.set_up_requests:
            try:
                reply = await _send(connection, ending.request, senders)
            except (NoReply, OriginRefused, UserError) as error:
                problem = f"{ending.where}: {error}"
            else:
                is_gone = ending.of_setup and reply.status in GONE_STATUSES
                if not is_gone and not _is_accepted(reply, ending.request):
                    problem = f"{ending.where}: answered {reply.status}"
        problems += [problem] if problem else []
        on_answer(number, problem)
    return tuple(problems)


async def _send(connection: HttpConnection, request: Request, senders: Senders) -> Reply:
    context = connection.context
    context.requests_made += 1
    values = {**made_values(nonce(), context.requests_made), **context.variables}
    headers, content = _body_of(request, values)
    path = _address(context, request.path, values)
    who = ANONYMOUS if request.sender == "nobody" else senders.get(request.sender)
    if who is None:
        raise UserError(
            f"{request.method} {request.path}: sender {request.sender} is not in [auth]",
            hint=f"known: {', '.join([*senders, 'nobody'])}",
        )
    given = headers | {name: str(filled(value, values)) for name, value in request.headers.items()}
    return await patiently(lambda: connection.send(request.method, path, who.current(), given, content))


def _body_of(request: Request, values: Values) -> tuple[dict[str, str], bytes | None]:
    """The Content-Type and the body."""
    if request.body is None:
        return {}, None
    body = filled(request.body, values)
    if not request.form:
        return {"content-type": "application/json"}, json.dumps(body).encode()
    return {"content-type": FORM}, form_encoded(body).encode("ascii")


def _address(context: RunContext, path: str, values: Values) -> str:
    """The path with its variables; a URL that a variable alone is, on the target's own origin."""
    whole = VARIABLE.fullmatch(path)
    if whole is None:
        return filled_path(path, values)
    if whole[1] not in values:
        raise UserError(f"{path}: the variable has no value", hint="a [[setup]] request captures it")
    target = context.target
    try:
        return Origins.of(target.base_url, target.location_origins).path_of(str(values[whole[1]]), target.path)
    except ValueError as error:
        raise UserError(f"{path}: {error}", hint="[target] location_origins = [...] declares other origins") from None


def _is_accepted(reply: Reply, request: Request) -> bool:
    return reply.status in request.statuses if request.statuses else reply.accepted


def _capture(context: RunContext, request: Request, reply: Reply, where: str) -> None:
    if not request.capture:
        return
    try:
        document = json_of(reply.body)
    except NotJson:
        document = None
    for name, place in request.capture.items():
        value = _found(place, document, reply)
        if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
            raise UserError(
                f"{where}: nothing to capture at {place}",
                hint="a JSON Pointer to a string or a number, @header:NAME or @location",
            )
        context.variables[name] = value


def _found(place: str, document: object, reply: Reply) -> object:
    if place == LOCATION:
        return last_segment(reply.headers.get("location", ""))
    if place.startswith(HEADER):
        return reply.headers.get(place.removeprefix(HEADER).lower())
    return value_at(document, place)
