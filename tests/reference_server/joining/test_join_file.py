"""The join file: what was written is read again, and what is none is said to be none."""

import json
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import trustme

from createflow.reference_server.joining.join_file import JoinFile, load
from createflow.reference_server.process.settings import Settings
from createflow.schemas.error import UserError

SETTINGS = Settings(
    instance="",
    host="",
    port=0,
    nats_url="tls://joined_service:secret-1@10.0.0.1:7001",
    valkey_url="rediss://joined_service:secret-2@10.0.0.1:7002/0",
    primary_dsn="postgresql://createflow_service:secret-3@10.0.0.1:7004/createflow",
    direct_dsn="",
    replica_dsns=("postgresql://createflow_service:secret-3@10.0.0.1:7006/createflow",),
    search_url="https://10.0.0.1:7003",
    search_index="resources",
    jwks_file="",
    issuer="i",
    audience="a",
)
AUTHORITY = trustme.CA()
FILE = JoinFile(
    "service",
    "10.0.0.1",
    0,
    AUTHORITY.cert_pem.bytes().decode(),
    AUTHORITY.issue_cert("x.test").private_key_and_cert_chain_pem.bytes().decode(),
    "",
    SETTINGS,
)


def test_what_was_written_is_read_again_and_private(tmp_path: Path) -> None:
    """Also over a file that everybody could read."""
    file = tmp_path / "service.json"
    file.touch(mode=0o644)
    FILE.save(file)
    assert load(file, "service") == FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_of_another_kind_names_the_command_that_fits(tmp_path: Path) -> None:
    """Its owner has mixed them up."""
    FILE.save(tmp_path / "service.json")
    with pytest.raises(UserError) as caught:
        load(tmp_path / "service.json", "worker")
    assert caught.value.message.endswith("service.json is for a service")
    assert caught.value.hint == f"createflow join service {tmp_path / 'service.json'}"


@pytest.mark.parametrize(
    "changes",
    [
        {"createflow_join": 2},
        {"createflow_join": None},
        {"kind": "primary"},
        {"kind": ["service"]},
        {"authority": 1},
        {"door_port": "7000"},
        {"settings": []},
        {"settings": {}},
        {"settings": {**asdict(SETTINGS), "nats_url": 1}},
        {"settings": {**asdict(SETTINGS), "replica_dsns": [1]}},
        {"settings": {**asdict(SETTINGS), "private": "no"}},
        {"settings": {**asdict(SETTINGS), "search_url": "https://10.0.0.1:port"}},
        {"certificate": "none"},
        {"authority": "none"},
        {"unknown": 1},
    ],
    ids="-".join,
)
def test_a_file_that_is_none_is_said_to_be_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Without a word of its content."""
    file = tmp_path / "service.json"
    FILE.save(file)
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(UserError, match="is not a join file of this version"):
        load(file, "service")


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "secret-1"])
def test_any_other_text_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    """As above."""
    (tmp_path / "x").write_text(text)
    with pytest.raises(UserError, match="is not a join file of this version") as caught:
        load(tmp_path / "x", "service")
    assert "secret-1" not in caught.value.message + caught.value.hint


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With where such files are written."""
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(UserError, match="cannot be read") as caught:
            load(path, "service")
        assert "createflow up --listen" in caught.value.hint
