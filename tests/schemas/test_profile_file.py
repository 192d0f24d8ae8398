"""Profiles are read whole, and refused with every mistake at once."""

from pathlib import Path

import pytest

from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import NoAuth, StaticAuth
from createflow.schemas.profile_file import ProfileError

GOOD = """
[target]
base_url = "https://api.example.com"
ca_file = "ca.pem"
[sinks.primary]
dsn = "postgresql://reader:${PASSWORD}@db/app"
by_id = "select 1"
[limits]
rate_per_s = 10
burst = 5
"""


def written(folder: Path, text: str, name: str = "createflow.toml") -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path, environment: dict[str, str] | None = None) -> list[str]:
    """The lines that tell the mistakes, without the folder."""
    with pytest.raises(ProfileError) as caught:
        profile_file.load(path, environment or {})
    return [line.strip().replace(f"{path.parent}/", "") for line in caught.value.message.splitlines()[1:]]


def test_a_good_profile_has_its_variables_filled_and_its_paths_made_absolute(tmp_path: Path) -> None:
    """${VARIABLE} comes from the environment; paths are relative to the profile's folder, not from where we are."""
    (tmp_path / "ca.pem").touch()
    profile = profile_file.load(written(tmp_path, GOOD), {"PASSWORD": "pw"})
    assert profile.sinks.primary is not None
    assert profile.sinks.primary.dsn.get_secret_value() == "postgresql://reader:pw@db/app"
    assert profile.target.ca_file == str(tmp_path / "ca.pem")


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    """Unknown keys with what was meant, wrong values, missing keys, missing files, unset variables."""
    path = written(
        tmp_path,
        """[target]
base_url = "htp://x"
pathh = "/x"
timeout_s = -1
ca_file = "nope.pem"

[auth]
kind = "jwt"
isuer = "x"
audience = "a"
key_file = "${KEY}"

[[sinks.replicas]]
name = "r1"
dsn = "x"
[[sinks.replicas]]
nam = "r2"
dsn = "x"

[faults.database_eror]
inject = ["a"]
heal = []
""",
    )
    assert refused(path) == [
        (
            "createflow.toml:2: target.base_url: not an http:// or https:// address "
            "(scheme, host and port only: https://api.example.com:8443)"
        ),
        "createflow.toml:3: target.pathh: unknown key (did you mean path?)",
        "createflow.toml:4: target.timeout_s: input should be greater than 0",
        "createflow.toml:5: target.ca_file: no such file: nope.pem (paths are relative to the profile's folder)",
        "createflow.toml:9: auth.isuer: unknown key (did you mean issuer?)",
        "createflow.toml:11: auth.key_file: the environment variable KEY is not set (export KEY=...)",
        "createflow.toml:16: sinks.replicas.1.name: required, but missing",
        "createflow.toml:17: sinks.replicas.1.nam: unknown key (did you mean name?)",
        (
            "createflow.toml:20: faults.database_eror: unknown fault (input should be 'database_error', "
            "'database_down', 'database_crash', 'service_down', 'gateway_down', 'replica_down', 'replica_lags', "
            "'search_down', 'search_refuses', 'events_down', 'late_commits' or 'read_error')"
        ),
        "createflow.toml:22: faults.database_eror.heal: tuple should have at least 1 item after validation, not 0",
    ]


def test_a_mistake_never_shows_the_value(tmp_path: Path) -> None:
    """A DSN in the wrong place is a secret in the wrong place."""
    path = written(tmp_path, '[target]\nbase_url = "http://x"\n[sinks.primary]\ndsn = 5\nby_id = ["pw-geheim"]\n')
    assert all("geheim" not in line for line in refused(path))


def test_every_wrong_target_is_told(tmp_path: Path) -> None:
    """With its position, and without the text, which may be anything."""
    path = written(
        tmp_path,
        '[target]\nbase_url = "http://x"\n[slo]\ntargets = ["p99<=100ms", "p99<=geheim", "rate>=5", 7]\np99_ms = 3\n',
    )
    lines = refused(path)
    assert [line.split(" (")[0] for line in lines] == [
        "createflow.toml:4: slo.targets.1: it has the wrong form",
        "createflow.toml:4: slo.targets.2: a rate needs the unit /s",
        "createflow.toml:4: slo.targets.3: a target is text in quotes",
        "createflow.toml:5: slo.p99_ms: unknown key",
    ]
    assert all("examples: p95<=100ms" in line for line in lines[:3])
    assert "known keys: targets" in lines[3]


def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    """The parser's own line number is kept."""
    (line,) = refused(written(tmp_path, "[target]\nbase_url = \n"))
    assert line.startswith("createflow.toml:2: not TOML:")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.toml", None, "no such file"),
        ("binary.toml", b"\xff\xfe", "not UTF-8"),
        ("", None, "cannot be read"),
    ],
    ids=["missing", "binary", "a directory"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    """No traceback for what every user does once."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        profile_file.load(path)


def test_pyproject_holds_a_profile_in_its_tool_table(tmp_path: Path) -> None:
    """Mistakes are told with the line in pyproject.toml."""
    path = written(tmp_path, '[tool.createflow.target]\nbase_url = "http://x"\ncleanupp = true\n', "pyproject.toml")
    assert refused(path) == ["pyproject.toml:3: target.cleanupp: unknown key (did you mean cleanup?)"]


def test_the_folders_own_profile_goes_before_pyproject(tmp_path: Path) -> None:
    """And a pyproject.toml without the table is none."""
    assert profile_file.find(tmp_path) is None
    project = written(tmp_path, "[tool.other]\n", "pyproject.toml")
    assert profile_file.find(tmp_path) is None
    project.write_text('[tool.createflow.target]\nbase_url = "http://x"\n')
    assert profile_file.find(tmp_path) == project
    own = written(tmp_path, "")
    assert profile_file.find(tmp_path) == own


def test_a_url_alone_is_a_profile() -> None:
    """Its path is the create path; a token in the environment makes a writer."""
    bare = profile_file.from_url("https://h:1", {})
    assert (bare.target.base_url, bare.target.path, bare.auth) == ("https://h:1", "/api/resources", NoAuth())
    full = profile_file.from_url("http://h/things", {"CREATEFLOW_TOKEN": "t"})
    assert (full.target.path, full.auth) == ("/things", StaticAuth(kind="static", writer_env="CREATEFLOW_TOKEN"))


@pytest.mark.parametrize("url", ["ftp://x", "x", "https://", "https://user:pw-geheim@h/", "https://h/?q=1"])
def test_a_url_that_cannot_be_used_is_refused_without_showing_a_password(url: str) -> None:
    """Credentials do not belong on a command line."""
    with pytest.raises(UserError) as caught:
        profile_file.from_url(url, {})
    assert "geheim" not in caught.value.message


def test_a_table_in_a_string_of_several_lines_is_no_table(tmp_path: Path) -> None:
    """The mistake is reported where the real table is; a byte order mark and CRLF do not move it."""
    file = tmp_path / "createflow.toml"
    text = '[target]\nbase_url = "http://h"\nbody.note = """\n[auth]\nkind = "none"\n"""\n[auth]\nkind = "nothing"\n'
    for raw in (text, text.replace("\n", "\r\n"), f"\ufeff{text}"):
        file.write_bytes(raw.encode())
        with pytest.raises(ProfileError) as raised:
            profile_file.load(file, {})
        assert [mistake.line for mistake in raised.value.mistakes] == [7]
