"""Pages of hostile reports in a real browser: nothing of them is executed, and nothing is loaded."""

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from createflow.scenarios.reports.conformance.as_html import render as render_run
from createflow.scenarios.reports.format import html
from createflow.scenarios.reports.load.as_html import render as render_load
from tests.scenarios.reports.any_report import with_texts
from tests.scenarios.reports.hostile import HOSTILE
from tests.scenarios.reports.load.made_load_report import report_quoting

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=10000 --dump-dom"
)
OWN = "document.documentElement.dataset.owned=1"
PAYLOADS = (
    "<script>{own}</script>",
    "</script><script>{own}</script>",
    "</pre></style></title><script>{own}</script>",
    "<img src={url}/a onerror={own} onload={own}>",
    "\"><svg onload='{own}'><script src={url}/b></script>",
    "'><iframe src='javascript:parent.{own}'></iframe><iframe srcdoc='<script>parent.{own}</script>'></iframe>",
    "<link rel=stylesheet href={url}/c><style>@import '{url}/d';</style>",
    "<meta http-equiv=refresh content='0;url={url}/e'>",
    "<!--<base href={url}/><object data={url}/f></object><form action={url}/g><input autofocus onfocus={own}>",
)
PAGES: dict[str, Callable[[list[str]], str]] = {
    "run": lambda texts: render_run(with_texts(HOSTILE, texts)),
    "load": lambda texts: render_load(with_texts(report_quoting("a", "b"), texts)),
}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: pages are not opened")


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """An address that no page may load anything from, and what it received."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        ended = threading.Event()

        def note() -> None:
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(1)
                    received.append(connection.recv(1024))

        thread = threading.Thread(target=note)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", received
        ended.set()
        thread.join()


def payloads(url: str) -> list[str]:
    """Every way to run something, with this address to load from."""
    return [payload.replace("{own}", OWN).replace("{url}", url) for payload in PAYLOADS]


def opened(page: str, folder: Path) -> tuple[str, list[str]]:
    """The page after its scripts ran, and the messages on the browser's console."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    command = [CHROMIUM or "", *FLAGS.split(), f"--user-data-dir={folder / 'profile'}", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def is_owned(page: str) -> bool:
    """Whether a script of the report ran."""
    return re.search(r"<html[^>]* data-owned=", page) is not None


def elements_of_others(page: str) -> set[str]:
    """The elements outside scripts that no page of ours has."""
    own = re.sub(r"<script\b[^>]*>.*?</script>", "", page, flags=re.DOTALL)
    return set(re.findall(r"<(img|iframe|object|base|link|input)\b", own))


@pytest.mark.parametrize("kind", PAGES)
def test_a_hostile_report_is_text(kind: str, tmp_path: Path, listener: tuple[str, list[bytes]]) -> None:
    """Our own scripts run, and the policy has nothing to complain about."""
    url, received = listener
    page, complaints = opened(PAGES[kind](payloads(url)), tmp_path)
    assert complaints == []
    assert not is_owned(page)
    assert received == []
    assert not elements_of_others(page)
    if kind == "load":
        assert 'data-drawn="yes"' in page
    else:
        assert re.search(r'<span class="shown" role="status">\d+ of \d+ checks', page)


@pytest.mark.parametrize("kind", PAGES)
def test_without_the_escape_the_policy_still_stops_everything(
    kind: str, tmp_path: Path, listener: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line of defence, for a template that forgets the first one."""
    url, received = listener
    monkeypatch.setattr(html._environment(), "autoescape", False)
    compiled = html._environment().cache
    assert compiled is not None
    compiled.clear()
    # A comment would hide the others, and no policy can stop a refresh.
    texts = [text for text in payloads(url) if "refresh" not in text and "<!--" not in text]
    try:
        page, complaints = opened(PAGES[kind](texts), tmp_path)
    finally:
        compiled.clear()
    assert "img" in elements_of_others(page)
    assert complaints, "the policy refused something"
    assert not is_owned(page)
    assert received == []


def test_the_payloads_work_where_nothing_stops_them(tmp_path: Path, listener: tuple[str, list[bytes]]) -> None:
    """Otherwise the tests above would show nothing."""
    url, received = listener
    page, _ = opened(f"<!doctype html><html><body>{payloads(url)[0]}{payloads(url)[3]}</body></html>", tmp_path)
    assert is_owned(page)
    assert received
