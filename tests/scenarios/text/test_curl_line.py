"""The curl line sends what was sent."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.scenarios.text.curl_line import curl_line, rebuilt


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


HEADERS = st.dictionaries(
    st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True), st.text(max_size=12) | st.sampled_from(HOSTILE)
)


@given(HEADERS, st.text(max_size=30), st.none() | st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
def test_our_own_lines_are_rebuilt_as_they_are(headers: dict[str, str], rest: str, body: bytes | None) -> None:
    """So a saved report shows the same command as the run."""
    sent = {**headers, "authorization": "Bearer $TOKEN", "x-api-key": "a'$X_API_KEY"}
    line = curl_line(
        "POST",
        f"https://h/{rest}",
        sent,
        body,
        variables={"authorization": "$TOKEN", "x-api-key": "$X_API_KEY"},
        ca_file="/a b/c.pem",
    )
    assert rebuilt(line) == line


def test_a_line_with_a_body_in_a_file_is_rebuilt_too() -> None:
    """Its size is all that is known."""
    line = curl_line("POST", "http://x", {"a": "b"}, b"x" * 5000, variables={})
    assert rebuilt(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "touch owned",
        "curl -i -X POST https://h -o owned",
        "curl -i -X POST https://h --output owned",
        "curl -i -K owned -X POST https://h",
        "curl -i -X POST file:///etc/passwd",
        "curl -i -X POST https://h --data-binary @/etc/passwd",
        "curl -i -X POST https://h --data-binary @body  # body: a file of 5 bytes; touch owned",
        "curl -i -X POST https://h https://other",
        'curl -i -X POST "https://h/`touch owned`"',
        'curl -i -X POST https://h -H "a: $(touch owned)"',
        "curl -i -X POST https://h -H 'a",
        "curl -i -X POST https://h\\\ntouch owned",
        "curl -i -X POST https://h\ntouch owned",
        "curl -i  -X POST https://h",
        "curl -i -X -K https://h",
        "curl -i https://h",
        "curl -i -X POST",
        "curl -i -X POST https://h -H",
        "curl -i -X POST https://h -H a",
        f"curl -i -X POST https://h/{'a' * 300_000}",
        "",
    ],
    ids=map(str, range(21)),
)
def test_a_line_of_another_kind_is_not_shown(line: str) -> None:
    """Another command, an option that writes or reads files, or quotes that do not end."""
    assert rebuilt(line) == ""


@pytest.mark.parametrize(
    "line",
    [
        "curl -i -X POST https://h; touch owned",
        "curl -i -X POST https://h;touch${IFS}owned",
        "curl -i -X POST https://h/$(touch${IFS}owned)",
        "curl -i -X POST https://h >owned",
        "curl -i -X POST https://h -H a:$HOME;",
        'curl -i -X POST https://h -H "a: $HOME"',
        'curl -i -X POST https://h -H "a: $X_API_KEY"',
        "curl -i -X POST https://h|tee${IFS}owned",
        "curl -i -X POST https://h&touch${IFS}owned&",
        "curl -i -X POST https://h/~/* -H $'a: \\x24HOME'",
    ],
    ids=map(str, range(10)),
)
def test_what_is_not_quoted_in_a_saved_line_is_quoted(line: str, tmp_path: Path) -> None:
    """Nothing of it is run, and no other variable than the header's own is filled in."""
    made = rebuilt(line)
    if made:
        assert not any("/home" in word or word == "" for word in arguments(made, tmp_path))
    assert list(tmp_path.iterdir()) == []


PIECES = [
    " ",
    "'",
    '"',
    "$",
    "$TOKEN",
    "$HOME",
    "(touch owned)",
    ";",
    "\\",
    "-H ",
    "a: ",
    "-X POST",
    "https://h",
    "\n",
    "$'",
    "\\x24",
    "--data-raw",
    "@body",
    "#",
    "`",
    "|",
    "curl -i",
    "--cacert ",
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_whatever_a_saved_line_holds_the_rebuilt_one_is_words(text: str) -> None:
    """With no operator of a shell outside of quotes, and as a fixed point."""
    made = rebuilt(f"curl -i -X POST https://h{text}")
    assert rebuilt(made) == made
    if made and "$'" not in made:
        unquoted = re.sub(r"""'[^']*'|"[^"]*"|\\.""", "", made)
        assert not set("();<>|&") & set(unquoted)
