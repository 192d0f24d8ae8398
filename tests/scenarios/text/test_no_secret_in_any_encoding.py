"""No secret of any kind is left in any text or format, however it was written."""

import io
import time
import tracemalloc

import pytest
from rich.console import Console

from createflow.cli import bench_view, run_view
from createflow.scenarios.reports.conformance.renderers import RENDERERS
from createflow.scenarios.reports.github_actions import render_annotations, render_summary
from createflow.scenarios.reports.load import as_html
from createflow.scenarios.reports.load.renderers import RENDERERS as LOAD_RENDERERS
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import Exchange, Finding, Outcome, RunReport
from tests.scenarios.reports.conformance.made_report import report, result
from tests.scenarios.reports.load.made_load_report import report_quoting
from tests.scenarios.text.every_encoding import ENCODINGS, SECRETS, TOKEN, mask, traces

MASK = mask()


def quoting(text: str) -> RunReport:
    """A report that quotes the text everywhere where a target is quoted."""
    exchange = Exchange(
        method="POST",
        url=f"https://h/?q={text}",
        request_headers={text: text},
        request_body=text,
        status=200,
        response_headers={"x": text},
        response_body=text,
        curl=text,
    )
    finding = Finding(
        promised="p",
        expected=text,
        seen=text,
        source="s",
        exchanges=(exchange,),
        curl=f"curl -i -X GET https://h/{text}",
    )
    failed = result("a", Outcome.FAILED).model_copy(update={"finding": finding})
    broken = result("b", Outcome.BROKEN, reason=text).model_copy(update={"traceback": f"ValueError: {text}"})
    return report(failed, broken, result("c", Outcome.SKIPPED, reason=text), left_behind=(text,))


def formats(made: RunReport) -> dict[str, str]:
    """Every format, and what is printed."""
    console = Console(file=io.StringIO(), width=400, force_terminal=True)
    run_view.print_report(console, made)
    assert isinstance(console.file, io.StringIO)
    shown = {name: render(made) for name, render in RENDERERS.items()}
    return shown | {
        "terminal": console.file.getvalue(),
        "annotations": render_annotations(made),
        "summary": render_summary(made),
    }


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", SECRETS)
def test_nothing_of_a_secret_is_in_any_format(kind: str, encoding: str) -> None:
    """Neither as it was written nor as the format writes it."""
    written = ENCODINGS[encoding](SECRETS[kind])
    clean = MASK.text(written)
    found = [trace for trace in traces(SECRETS[kind]) | {written.strip("'\"")} if trace in clean]
    assert found == []
    for name, text in formats(MASK.record(quoting(written))).items():
        assert not [trace for trace in traces(SECRETS[kind]) if trace in text], name


def load_formats(made: LoadReport) -> dict[str, str]:
    """Every format of a load report, and what is printed."""
    console = Console(file=io.StringIO(), width=400, force_terminal=True)
    bench_view.print_report(console, made)
    assert isinstance(console.file, io.StringIO)
    shown = {name: render(made) for name, render in LOAD_RENDERERS.items()}
    return shown | {
        "terminal": console.file.getvalue(),
        "annotations": render_annotations(made),
        "summary": render_summary(made),
    }


@pytest.mark.many(one_in=5)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", SECRETS)
def test_nothing_of_a_secret_is_in_any_format_of_a_load(
    kind: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target, a sink and a worker can repeat what they were told there as well."""
    # Making the library's bundle takes seconds, and is always the same.
    monkeypatch.setattr(as_html, "build_bundle", lambda: "")
    made = MASK.record(report_quoting(ENCODINGS[encoding](SECRETS[kind]), ENCODINGS[encoding](SECRETS[kind])))
    for name, text in load_formats(made).items():
        assert not [trace for trace in traces(SECRETS[kind]) if trace in text], name


@pytest.mark.parametrize("text", [f"a{TOKEN[:30]}", f"'{TOKEN[:90]}'", TOKEN[20:], f"got {TOKEN[5:]}"])
def test_a_part_of_a_token_at_a_cut_is_masked(text: str) -> None:
    """An excerpt can begin and end inside it."""
    clean = MASK.text(text)
    assert not [part for part in TOKEN.split(".") if part in clean]


@pytest.mark.parametrize(
    "text",
    [
        "set-cookie: sid=s3cr3t-s3ss10n; Path=/",
        "Cookie: a=b\r\nCookie: sid=s3cr3t-s3ss10n",
        "postgresql://reader:s3cr3t-s3ss10n@h/db",
        "could not connect: host=h password = s3cr3t-s3ss10n",
        r"password='it\'s s3cr3t-s3ss10n'",
    ],
)
def test_secrets_that_nobody_told_us_of_are_known_by_their_place(text: str) -> None:
    """Of the target, or of somebody else."""
    assert "s3cr3t-s3ss10n" not in Mask().text(text)


def test_a_cookie_of_the_target_is_masked_and_its_attributes_are_not() -> None:
    """In the headers of an exchange."""
    exchange = Exchange(
        method="GET", url="u", response_headers={"Set-Cookie": "sid=s3cr3t; Path=/; Secure"}, status=200
    )
    assert Mask().record(exchange).response_headers == {"Set-Cookie": "sid=****; Path=/; Secure"}


@pytest.mark.parametrize("begin", ["ZXlK", "65794a"])
def test_a_token_of_somebody_else_is_known_in_base64_and_hex(begin: str) -> None:
    """By what both make of its first letters."""
    other = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzb21lYm9keSBlbHNlIn0.c29tZXRoaW5n"
    written = ENCODINGS["base64" if begin == "ZXlK" else "hex"](other)
    assert written.startswith(begin)
    assert Mask().text(f"x={written}!") == "x=$TOKEN!"


@pytest.mark.parametrize("text", ["application/json", "ordinary words; a=b", "eyJ", "cookie", "password", "key=value"])
def test_ordinary_text_stays(text: str) -> None:
    """Nothing of it looks like a secret."""
    assert MASK.text(text) == text


def test_many_secrets_and_long_texts_take_bounded_time_and_memory() -> None:
    """A text is searched once, not once for each secret; base64 and hex are known of the first thousand only."""
    many = Mask()
    tracemalloc.start()
    for number in range(5000):
        many.add(f"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyLT{number:06d}In0.c2lnbmF0dXJl{number:06d}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 << 20
    began = time.process_time()
    for text in (
        "eyJ" * 20_000,
        "a" * 500_000,
        "eyJhbGciOiJFUzI1NiJ9." * 5_000,
        "://a:" * 50_000,
        "cookie: a=" * 20_000,
    ):
        many.text(text)
    assert time.process_time() - began < 30
