"""Checks of one's own are found, run and reported like ours; what is wrong with a file is told with its line."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from createflow import checks_api
from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.own_checks import PROBES, catalogue_with
from createflow.scenarios.harness.check import Check, select
from createflow.schemas.error import UserError

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "own_checks.py"
HEAD = "from createflow.checks_api import *\n\n"
DECORATED = '@check(step=Step.RESPONSE, group="shop", source="ours")\n'
GOOD = DECORATED + 'async def is_good(target: Target) -> None:\n    """It is good."""\n'


@pytest.fixture(autouse=True)
def _search_path() -> Iterator[None]:
    """Imports find what they found before."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def own(*files: Path) -> list[Check]:
    """What the files add."""
    return [one for one in catalogue_with(files) if one not in CATALOGUE]


def written(folder: Path, text: str, *, name: str = "mine.py") -> Path:
    """A file with this text after the import."""
    file = folder / name
    file.write_text(HEAD + text, encoding="utf-8")
    return file


def test_the_documented_example_is_the_file_that_is_tried() -> None:
    """And its checks stand among ours, each after those of its step."""
    shown = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "own-checks.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    assert shown[1] == EXAMPLE.read_text(encoding="utf-8")
    every = catalogue_with([EXAMPLE])
    assert [one.id for one in own(EXAMPLE)] == ["shop.event_names_the_creator", "shop.location_ends_with_the_id"]
    assert [one.step.number for one in every] == sorted(one.step.number for one in every)
    assert [one.id for one in select(every, ["shop.loc"])] == ["shop.location_ends_with_the_id"]


def test_every_name_of_the_stable_module_is_documented_or_a_type_of_one_that_is() -> None:
    """Nothing is promised that nobody is told of."""
    text = (ROOT / "docs" / "own-checks.md").read_text(encoding="utf-8")
    of_others = {"Check", "Event", "Exchange", "Principal", "Replica", "Reply", "Resource", "Row", "ANONYMOUS"}
    undocumented = {name for name in checks_api.__all__ if not re.search(rf"\b{name}\b", text)}
    assert undocumented <= of_others
    probes = {value for name in checks_api.__all__ if (value := getattr(checks_api, name)) in PROBES}
    assert len(probes) == 12


def test_a_file_may_import_what_is_beside_it_and_share_its_checks(tmp_path: Path) -> None:
    """One that is imported into a second file is the same check."""
    first = written(tmp_path, GOOD, name="shop_first.py")
    second = written(tmp_path, "from shop_first import is_good\n", name="second.py")
    assert [one.id for one in own(second)] == ["shop.is_good"]
    with pytest.raises(UserError, match=r"shop_first.py:3: shop.is_good is also the id of the one at .*first.py:3"):
        catalogue_with([first, first])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "declares no check"),
        ("def x(:\n", r"mine.py:3: the file cannot be imported: SyntaxError"),
        ("\n\nimport no_such_module\n", r"mine.py:5: the file cannot be imported: ModuleNotFoundError"),
        ("raise SystemExit\n", r"mine.py:3: the file cannot be imported: SystemExit$"),
        ("int('x')\n", r"mine.py:3: the file cannot be imported: ValueError"),
        (DECORATED + "async def x(target: Target) -> None:\n    pass\n", r"mine.py:3: .*first line of the docstring"),
        (DECORATED + 'async def x(target):\n    """X."""\n', r"mine.py:3: .*'target' has no type"),
        (DECORATED + 'async def x(a: Target | Tokens):\n    """X."""\n', r"mine.py:3: .*one probe or None"),
        (DECORATED + 'def x(target: Target):\n    """X."""\n', r"mine.py:3: shop.x: .*write async def"),
        (DECORATED + 'async def x(number: int):\n    """X."""\n', r"mine.py:3: shop.x: .*'number': int is no probe"),
        (GOOD.replace('"ours"', '" "'), r"mine.py:3: shop.is_good: source is empty"),
        (GOOD.replace('"shop"', '"response"'), r"mine.py:3: .*group 'response'.*not the name of a step"),
        (GOOD.replace('"shop"', '"Our Shop"'), r"mine.py:3: .*group 'Our Shop'"),
        (GOOD.replace("Step.RESPONSE", '"mail"'), r"mine.py:3: .*there is no step 'mail'; the steps are https_request"),
        (GOOD.replace("step=", 'level="great", step='), r"mine.py:3: .*there is no level 'great'; the levels are must"),
        (
            GOOD.replace('group="shop", ', "").replace("is_good", "create_is_201"),
            r"mine.py:3: response.create_is_201 is also the id of one of createflow's own checks",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """And with a hint."""
    with pytest.raises(UserError, match=message) as told:
        catalogue_with([written(tmp_path, text)])
    assert told.value.hint


@pytest.mark.parametrize("name", ["missing.py", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    """A folder, or nothing at all."""
    with pytest.raises(UserError, match="there is no such file"):
        catalogue_with([tmp_path / name])


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: str) -> None:
    """A package with this module and entry point, as an installer leaves it."""
    (folder / "shop_checks_package.py").write_text(HEAD + text, encoding="utf-8")
    metadata = folder / "shop_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-package\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[createflow.checks]\nshop = {value}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "shop_checks_package", raising=False)


@pytest.mark.parametrize("value", ["shop_checks_package", "shop_checks_package:CHECKS"])
def test_an_installed_package_brings_its_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Those of a module, or a list of them."""
    installed(tmp_path, monkeypatch, GOOD + "\nCHECKS = [is_good]\n", value)
    assert [one.id for one in own()] == ["shop.is_good"]


@pytest.mark.parametrize(
    ("text", "message"), [("1 / 0\n", "cannot be imported: ZeroDivisionError"), ("", "there is no check")]
)
def test_a_package_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    """It is not left out in silence."""
    installed(tmp_path, monkeypatch, text, "shop_checks_package")
    with pytest.raises(UserError, match=rf"package shop-package \(shop_checks_package\).*{message}"):
        catalogue_with()
