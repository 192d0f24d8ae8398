"""A new draft is merged into an edited profile: what people wrote stays as they wrote it."""

import pytest

from createflow.scenarios.drafting.merge import merged_profile
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_file import parse_toml

MINE = """\
# ours
[target]   # the target
base_url = "https://api.example.com" # do not change
path = '/v1/things'
headers = { "X-Team" = "a" }

[target.fields]
id = "uuid"   # since 2024

# credentials
[auth]
kind = "basic"
writer_env = "OURS"

[sinks.primary]
dsn = "postgresql://${DB}"
"""
DRAFT = """\
[target]
base_url = "https://api.example.com"
method = "PUT"
path = "/v2/things/{new_id}"
schema_file = "createflow.create.schema.json"
read_path = "/v2/things/{id}"
headers = { "X-Team" = "b" }
[target.fields]
id = "uuid"
name = "title"
created_by = ""
[target.envelope]
reply = "/data"
[target.errors.statuses]
validation = [422, 400]
[auth]
kind = "api_key"
header = "X-Key"
"""


def test_what_is_new_is_added_and_all_else_stays() -> None:
    """Comments, order, quotes; a credential is not mixed, and keys that belong together are not torn apart."""
    merge = merged_profile(MINE, DRAFT)
    own = [line for line in MINE.splitlines() if line]
    lines = merge.text.splitlines()
    assert [line for line in lines if line in own] == own
    assert merge.added == [
        "target.schema_file",
        "target.read_path",
        "target.fields.name",
        "target.fields.created_by",
        "target.envelope.reply",
        "target.errors.statuses.validation",
    ]
    made = parse_toml(merge.text)
    assert (made["target"]["path"], "method" in made["target"]) == ("/v1/things", False)
    assert made["auth"] == {"kind": "basic", "writer_env": "OURS"}
    assert made["target"]["errors"]["statuses"]["validation"] == [422, 400]
    target = {key: value for key, value in made["target"].items() if key != "schema_file"}
    Profile.model_validate({"target": target, "auth": made["auth"]})


def test_what_the_description_says_otherwise_is_told() -> None:
    """And what it leaves empty is not."""
    kept = merged_profile(MINE, DRAFT).kept
    assert [line.partition(":")[0] for line in kept] == ["target.path", "target.headers", "auth.kind"]
    assert "'/v2/things/{new_id}'" in kept[0]


def test_a_second_merge_changes_nothing() -> None:
    """So it can run in a pipeline."""
    once = merged_profile(MINE, DRAFT).text
    again = merged_profile(once, DRAFT)
    assert (again.text, again.added) == (once, [])


@pytest.mark.parametrize("profile", ["", "# only a comment\n", 'target.base_url = "http://a"\n', "[target]"])
def test_a_profile_of_any_form_takes_it(profile: str) -> None:
    """Empty, dotted, without a last line break."""
    made = parse_toml(merged_profile(profile, DRAFT).text)
    assert made["target"]["fields"]["name"] == "title"
    assert made["auth"]["kind"] == "api_key"


def test_no_toml_is_told() -> None:
    """Without a traceback."""
    with pytest.raises(UserError, match="not TOML"):
        merged_profile("[target", DRAFT)
