"""Known failures in a profile: each has a reason and a day."""

from datetime import date
from pathlib import Path

import pytest

from createflow.schemas import profile_file
from createflow.schemas.profile_file import ProfileError

HEAD = '[target]\nbase_url = "http://h"\n'


def test_entries_are_read_with_their_days(tmp_path: Path) -> None:
    """A TOML date and the same as text mean the same day."""
    file = tmp_path / "createflow.toml"
    entry = '[[baseline]]\nid = "a.b"\nreason = "ticket 7"\nexpires = {}\n'
    file.write_text(HEAD + entry.format("2030-01-31") + entry.format('"2030-01-31"'))
    entries = profile_file.load(file).baseline
    assert [(known.id, known.reason, known.expires) for known in entries] == [
        ("a.b", "ticket 7", date(2030, 1, 31))
    ] * 2


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('id = "a"\nreason = ""\nexpires = 2030-01-31', "5: baseline.0.reason"),
        ('id = "a"\nreason = "x"', "baseline.0.expires: required"),
        ('id = "a"\nreason = "x"\nexpires = "soon"', "6: baseline.0.expires"),
        ('id = "a"\nreason = "x"\nexpire = 2030-01-31', "did you mean expires?"),
    ],
)
def test_an_entry_without_reason_or_day_is_a_mistake_with_its_line(tmp_path: Path, entry: str, words: str) -> None:
    """What nobody can explain or nobody will look at again is no baseline."""
    file = tmp_path / "createflow.toml"
    file.write_text(f"{HEAD}[[baseline]]\n{entry}\n")
    with pytest.raises(ProfileError) as raised:
        profile_file.load(file)
    assert words in str(raised.value)
