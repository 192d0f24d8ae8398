"""The page of a load in a real browser: every chart is drawn, the policy blocks nothing, nothing is loaded."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from createflow.scenarios.reports.load import as_html
from createflow.schemas.load_report import LoadReport
from tests.scenarios.reports.hostile import NASTY
from tests.scenarios.reports.load.made_load_report import ALL, report_quoting

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=20000 --dump-dom"
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: the HTML report of a load is not opened")


def _opened(report: LoadReport, folder: Path, *flags: str) -> tuple[str, list[str]]:
    """The page after its scripts ran, and the messages on the browser's console."""
    file = folder / "report.html"
    file.write_text(as_html.render(report), encoding="utf-8")
    profile = folder / "profile"
    command = [CHROMIUM or "", *FLAGS.split(), *flags, f"--user-data-dir={profile}", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def _charts(page: str) -> dict[str, str]:
    return {found[1]: found[0] for found in re.finditer(r'<figure id="(\w+)".*?</figure>', page, re.DOTALL)}


@pytest.mark.parametrize(
    "flags", [(), ("--window-size=390,800",), ("--force-dark-mode",)], ids=["wide", "phone", "dark"]
)
def test_every_chart_is_drawn(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """With lines, a description, and no message on the console."""
    page, complaints = _opened(ALL["stalled"], tmp_path, *flags)
    assert complaints == []
    assert '<body data-drawn="yes">' in page
    charts = _charts(page)
    assert set(charts) == {
        "latency", "percentiles", "throughput", "replies", "not_accepted", "sinks", "waiting", "pacing", "cpu"
    }  # fmt: skip
    for name, figure in charts.items():
        assert 'data-drawn="yes"' in figure
        assert f'aria-describedby="{name}-caption"' in figure
        assert re.search(r'<path [^>]*d="M[^"]{50,}"', figure), f"{name} has no curve"
    assert "p99 target" in charts["latency"]
    assert "99.9%" in charts["percentiles"]


def test_text_of_a_target_is_not_run(tmp_path: Path) -> None:
    """Names of sinks and statuses are drawn as the text that they are."""
    page, complaints = _opened(report_quoting(f"a{NASTY}", f"b{NASTY}"), tmp_path)
    assert complaints == []
    assert '<body data-drawn="yes">' in page
    assert page.count("<script") == 3
    assert "sinks" in _charts(page)


def test_a_run_without_seconds_opens_too(tmp_path: Path) -> None:
    """No chart, no complaint."""
    page, complaints = _opened(ALL["interrupted"], tmp_path)
    assert complaints == []
    assert _charts(page) == {}
    assert "INTERRUPTED" in page
