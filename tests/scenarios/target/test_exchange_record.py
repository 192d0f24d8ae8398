"""The curl line sends what was sent."""

import os
import subprocess
from pathlib import Path

import pytest

from createflow.scenarios.target.exchange_record import curl_line


def arguments(line: str, folder: Path | None = None) -> list[str]:
    """What the shell would hand to curl, with $TOKEN set."""
    script = line.replace("curl", "printf '%s\\0'", 1)
    environment = {"TOKEN": "tt", "LC_ALL": "C", "PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", "-c", script], env=environment, cwd=folder, capture_output=True, check=True)
    return [part.decode("utf-8", "surrogateescape") for part in done.stdout.split(b"\0")[:-1]]


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"name": "it\'s \\u0000 $HOME `x` \\n"}', "{'é': '\U0001f600'}".encode(), b'{"a": "\xff\n\'"}', b""],
)
def test_the_body_arrives_as_it_was(body: bytes) -> None:
    """Quotes, dollars, escapes, other scripts, and bytes that are no text."""
    words = arguments(curl_line("POST", "http://x/a?b=c&d", {}, body, variables={}))
    assert words[words.index("--data-binary") + 1].encode("utf-8", "surrogateescape") == body
    assert "http://x/a?b=c&d" in words


def test_the_token_comes_from_the_environment_and_other_headers_as_they_are() -> None:
    """A header without a value keeps its name."""
    words = arguments(
        curl_line(
            "PUT",
            "https://x",
            {"authorization": "Bearer $TOKEN", "a": "it's", "b": ""},
            None,
            variables={"authorization": "$TOKEN"},
            ca_file="/a b",
        )
    )
    assert words[:5] == ["-i", "--cacert", "/a b", "-X", "PUT"]
    assert [words[i + 1] for i, word in enumerate(words) if word == "-H"] == [
        "authorization: Bearer tt",
        "a: it's",
        "b;",
    ]


def test_a_huge_body_is_named_and_not_shown() -> None:
    """Nobody pastes that."""
    line = curl_line("POST", "http://x", {}, b"x" * 5000, variables={})
    assert line.endswith("--data-binary @body  # body: a file of 5000 bytes")


HOSTILE = ['"$(touch owned)"', "`touch owned`", "$TOKEN", "'; touch owned; '", '"; touch owned; "', "${HOME}", "\\"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_target_chose_is_never_run(text: str, tmp_path: Path) -> None:
    """An ETag that is sent back, the path of a Location, and a body: each arrives as it is."""
    line = curl_line(
        "PUT",
        f"http://x/{text}",
        {"authorization": "Bearer $TOKEN", "if-match": text},
        text.encode(),
        variables={"authorization": "$TOKEN"},
    )
    words = arguments(line, tmp_path)
    assert f"if-match: {text}" in words
    assert "authorization: Bearer tt" in words
    assert f"http://x/{text}" in words
    assert words[-1] == text
    assert list(tmp_path.iterdir()) == []


def test_a_body_names_no_file_and_a_url_has_no_globs() -> None:
    """Both are signs of curl's own."""
    words = arguments(curl_line("POST", "http://x/{a,b}[1-9]", {}, b"@/etc/passwd", variables={}))
    assert words[words.index("--data-raw") + 1] == "@/etc/passwd"
    assert "--globoff" in words
