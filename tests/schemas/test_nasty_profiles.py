"""Whatever stands where a profile or an address should, the user is told what is wrong: never a failure of ours."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile

BASE = '[target]\nbase_url = "http://x"\n'

BROKEN = [
    "\x00",
    "[target",
    "target = 1",
    "[[target]]",
    "a.b=1\na.b=2",
    "a = [" * 2000,
    "a." * 2000 + "b = 1",
    "[target]\nbase_url = 1",
    "[target]\nbase_url = 'http://[::1'",
    "[target]\nbase_url = 'http://a:99999'",
    "[target]\nbase_url = 'http://a:+80'",
    "[target]\nbase_url = 'http://a b'",
    "[target]\nbase_url = 'http://xn--'",
    BASE + 'path = "/\\u0000"',
    BASE + 'path = "/a b"',
    BASE + 'schema_file = "\\u0000"',
    BASE + 'schema_file = "/dev/zero"',
    BASE + "body = {a = 2020-01-01}",
    BASE + "body = {a = nan}",
    BASE + 'headers = {"a b" = "c"}',
    BASE + 'headers = {"a" = "c\\nd"}',
    BASE + 'headers = {"é" = "c"}',
    BASE + 'accept = "é"',
    BASE + 'idempotency_header = ""',
    BASE + "[[setup]]\nmethod = 'A B'\npath = '/x'",
    BASE + "auth = []",
    BASE + "[auth]\nkind = ['jwt']",
    BASE + "faults = 1",
    BASE + "[[baseline]]\nid = 1",
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_profile_is_told_with_a_hint(tmp_path: Path, text: str) -> None:
    """Of one line or of many."""
    file = tmp_path / "createflow.toml"
    file.write_text(text)
    with pytest.raises(UserError) as told:
        profile_file.load(file, {})
    assert told.value.hint


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\ncreateflow = 3", "[tool.other]"])
def test_a_project_file_without_our_table_is_told(tmp_path: Path, text: str) -> None:
    """Also when something else is called so."""
    file = tmp_path / "pyproject.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=r"no \[tool.createflow\] table"):
        profile_file.load(file, {})


@pytest.mark.parametrize("path", ["", "no-such-file", "a\x00b", "/dev/zero", "x" * 5000])
def test_a_path_that_is_no_file_is_told(tmp_path: Path, path: str) -> None:
    """Nothing endless is read."""
    with pytest.raises(UserError) as told:
        profile_file.load(tmp_path / path, {})
    assert told.value.hint
    assert len(told.value.message) < 1200


def test_variables_cannot_make_a_profile_any_length(tmp_path: Path) -> None:
    """One long variable, many times."""
    file = tmp_path / "createflow.toml"
    file.write_text(BASE + f'path = "/{"${X}" * 10_000}"')
    with pytest.raises(UserError, match="longer than 1048576 characters"):
        profile_file.load(file, {"X": "x" * 100_000})


def test_a_body_comes_from_the_profiles_folder_only(tmp_path: Path) -> None:
    """A profile of somebody else would send any file of the user to its target."""
    inside = tmp_path / "folder"
    inside.mkdir()
    for where in (tmp_path, inside):
        (where / "body").write_text("{}")
    file = inside / "createflow.toml"
    file.write_text(BASE + 'body_file = "body"')
    assert profile_file.load(file, {}).target.body_file == str(inside / "body")
    (inside / "body").unlink()
    (inside / "body").symlink_to(tmp_path / "body")
    for outside in ("body", "../body", str(tmp_path / "body")):
        file.write_text(BASE + f'body_file = "{outside}"')
        with pytest.raises(UserError, match="outside the profile's folder"):
            profile_file.load(file, {})


@pytest.mark.parametrize("name", ["createflow.toml", "pyproject.toml"])
def test_a_pipe_is_not_found_as_the_profile_of_a_folder(tmp_path: Path, name: str) -> None:
    """Nothing waits for a writer."""
    os.mkfifo(tmp_path / name)
    assert profile_file.find(tmp_path) is None


ADDRESSES = [
    "http://[::1",
    "http://[v1.x]/",
    "http://a:99999/x",
    "http://a:-1/",
    "http://a:\uff18\uff10/x",
    "http://a:b/x",
    "http://℀.com/",
    "http://xn--/x",
    "http://a\x00b/",
    "http://exa mple.com/",
    "http://a..b/",
    "http://-a-/",
    "http://a/\ud800",
    "http://a/{new_id}",
    "http://a/ b",
    "ftp://a",
    "//a",
    "",
]


@pytest.mark.parametrize("url", ADDRESSES, ids=range(len(ADDRESSES)))
def test_an_address_that_cannot_be_asked_is_told_with_a_hint(url: str) -> None:
    """In words, not as a failure later on."""
    with pytest.raises(UserError) as told:
        profile_file.from_url(url, {})
    assert told.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1]:8080/x",
        "http://a_b:1",
        "https://bücher.example/x/",
        "http://xn--bcher-kva.example",
        "http://1.2.3.4",
    ],
)
def test_an_address_that_can_be_asked_is_taken(url: str) -> None:
    """Names in other scripts, IPv6, and names with an underscore, as containers have them."""
    assert isinstance(profile_file.from_url(url, {}), Profile)


@settings(deadline=None)
@given(st.text(max_size=30) | st.text(max_size=30).map("http://{}".format))
def test_no_address_makes_us_fail(url: str) -> None:
    """It is taken or told."""
    try:
        profile_file.from_url(url, {})
    except UserError as told:
        assert told.hint  # noqa: PT017 - either of two ends will do
