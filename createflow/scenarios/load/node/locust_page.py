"""Locust's own web page, to look at: what it shows comes from the workers, and it starts and stops nothing."""

from flask import Response
from locust.env import Environment

_MOVES = frozenset({"/swarm", "/stop", "/stats/reset"})


class WebPage:
    """Served on loopback for as long as the process runs."""

    def __init__(self, environment: Environment, port: int) -> None:
        page = environment.create_web_ui("127.0.0.1", port)
        if page.app is not None:
            page.app.before_request(_refuse_moves)
        self.url = f"http://127.0.0.1:{port}"


def _refuse_moves() -> Response | None:
    from flask import request

    if request.path in _MOVES:
        return Response("createflow runs this test: start and stop it there", status=403, mimetype="text/plain")
    return None
