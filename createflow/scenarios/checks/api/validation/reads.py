"""What is read: ids in the path, and parameters of the list, of every kind that a client can send."""

import asyncio

from createflow.scenarios.checks.support.deviations import Deviations
from createflow.scenarios.checks.support.fixtures import created, missing_url, positive_controls, url_with
from createflow.scenarios.harness.check import check
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step

_AT_ONCE = 8
_LIMIT_S = 90.0
"""For some fifty reads of a server that has one thread, and other checks to answer."""
_IDS = {
    "a word": "createflow-no-such-id",
    "a negative number": "-1",
    "a fraction": "1.5",
    "2^63": str(2**63),
    "a number of 40 digits": "9" * 40,
    "an exponent": "1e400",
    "null": "null",
    "an object": "%7B%7D",
    "a quote": "%27%20OR%201%3D1",
    "a NUL": "a%00b",
    "invalid UTF-8": "%FF%FE",
    "a line break": "a%0D%0Ab",
    "a percent sign": "%25",
    "an unfinished escape": "%zz",
    "a long id": "x" * 2_000,
    "other digits": "%D9%A1%D9%A2",
    "a blank": "%20",
    "an asterisk": "*",
}
_TRAVERSALS = {
    "encoded dots": "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd",
    "encoded slashes": "..%2F..%2Fetc%2Fpasswd",
    "backslashes": "..%5C..%5Cwindows%5Cwin.ini",
    "dots encoded twice": "%252E%252E%252Fetc%252Fpasswd",
    "a semicolon": "..;%2Fadmin",
}
"""A server may resolve them, so that they name another place of its own."""
_PARAMETERS = ("q", "limit", "offset", "page", "sort", "cursor", "filter")
_VALUES = {
    "a negative number": "-1",
    "zero": "0",
    "2^63": str(2**63),
    "a number of 400 digits": "9" * 400,
    "a word": "abc",
    "no value": "",
    "a NUL": "%00",
    "invalid UTF-8": "%FF",
    "a quote": "%27%22",
    "2,000 letters": "x" * 2_000,
    "a list": "1&{name}=2&{name}[]=3",
    "an object": "%7B%22%24gt%22%3A1%7D",
}
_OF_NUMBERS = {kind: _VALUES[kind] for kind in ("a negative number", "2^63", "a word", "a NUL")}
_NO_ERROR = "no server error to any read"


@check(
    step=Step.VALIDATION,
    source="contract: service-routing; contract: invalid-400; CWE-22; CWE-626",
    limit_s=_LIMIT_S,
    catches="odd_id_crashes",
)
async def strange_ids_are_4xx(target: Target) -> None:
    """An id in the path that no resource has is refused with a 4xx, whatever it is made of, also by updates.

    Other types, overflow, traversal, NUL. Traversals may name another place of the target; the rest names nothing. A
    server that reads ``1e400`` as 1 gives a resource another name, which no standard forbids: that it does not is a
    should where our own contract is not promised. A 5xx is a must everywhere.
    """
    deviations = Deviations()
    at_once = asyncio.Semaphore(_AT_ONCE)
    async with positive_controls(target):
        made = await created(target)
        control = await target.read(missing_url(made))
        if control.status >= 500:
            deviations.note(_NO_ERROR, f"{control.status} to a missing resource", control)

        async def send(kind: str, name: str, *, is_traversal: bool) -> None:
            async with at_once:
                deviations.count()
                url = url_with(made, name)
                replies = {"GET": await target.read(url)}
                if target.contract.update:
                    replies["PUT"] = await target.update(url, target.contract.document())
                for method, reply in replies.items():  # a PUT may create what it names
                    may_be_found = is_traversal or method == "PUT"
                    is_lesser = not target.contract.is_promised
                    _judge(deviations, f"{method} of {kind}", reply, may_be_found=may_be_found, is_lesser=is_lesser)

        async with asyncio.TaskGroup() as group:
            # Behind the digits of an id that there is, what reads the number alone finds it in every run.
            exponent = {"an exponent": f"{made.id}e400"} if made.id.isdecimal() else {}
            for kind, name in {**_IDS, **exponent}.items():
                group.create_task(send(kind, name, is_traversal=False))
            for kind, name in _TRAVERSALS.items():
                group.create_task(send(f"a traversal with {kind}", name, is_traversal=True))
    deviations.judge()


@check(
    step=Step.VALIDATION,
    source="contract: validation; OWASP API4:2023",
    limit_s=_LIMIT_S,
    catches="odd_query_crashes",
)
async def strange_parameters_are_no_server_error(target: Target) -> None:
    """A list or search with a strange parameter is answered or refused with a 4xx, never with a 5xx.

    Negative, huge, of a wrong type, repeated, not UTF-8: of the parameters that lists usually have.
    """
    deviations = Deviations()
    at_once = asyncio.Semaphore(_AT_ONCE)
    async with positive_controls(target):
        made = await target.create()
        base = made.exchange.url.partition("?")[0]

        async def send(name: str, kind: str, value: str) -> None:
            async with at_once:
                deviations.count()
                reply = await target.read(f"{base}?{name}={value.replace('{name}', name)}")
                _judge(deviations, f"{name} = {kind}", reply, may_be_found=True)

        async with asyncio.TaskGroup() as group:
            for name in (*_PARAMETERS, "unknown"):
                # Text is what a search takes; the others are mostly numbers.
                for kind, value in _VALUES.items() if name == _PARAMETERS[0] else _OF_NUMBERS.items():
                    group.create_task(send(name, kind, value))
    deviations.judge()


def _judge(deviations: Deviations, case: str, reply: Reply, *, may_be_found: bool, is_lesser: bool = False) -> None:
    if reply.status >= 500 and reply.status != 501:  # no list at all, for example (RFC 9110 §15.6.2)
        deviations.note(_NO_ERROR, f"{reply.status} to {case}", reply)
    elif reply.accepted and not may_be_found:
        expected = "a 4xx to an id that no resource has"
        deviations.note(expected, f"{reply.status} to {case}", reply, is_lesser=is_lesser)
