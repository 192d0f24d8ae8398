"""Checks that are not ours: of files that the user names, and of installed packages that declare some.

A package declares them with an entry point of the group ``createflow.checks``, whose value is a module or a sequence of
checks. Neither a profile nor a report can name a file: its code runs because somebody named it on the command line.
"""

import inspect
import random
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.harness.check import PROFILE_KEYS, Check
from createflow.scenarios.harness.outage import Outage
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.target.probes import Faults, Handshakes, RawHttp, Target
from createflow.scenarios.target.write_record import WriteRecord
from createflow.schemas.error import UserError
from createflow.schemas.flow import Step

ENTRY_POINTS = "createflow.checks"
PROBES = frozenset(
    {*PROFILE_KEYS, Target, Faults, RawHttp, Handshakes, WriteRecord, WriteSample, Outage, random.Random}
)
"""What a parameter of a check may be. Any other would never be filled, and the check never run."""
_EXAMPLE = "docs/own-checks.md has an example"


def catalogue_with(files: Sequence[Path] = ()) -> tuple[Check, ...]:
    """Every check that can run: ours, those of installed packages, and those of these files, in the order of the flow.

    Raises:
        UserError: a file or package cannot be imported, declares no check, one that cannot run, or the id of another.
    """
    places: dict[Check, str] = {}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name):
        places |= dict.fromkeys(_of_package(point), f"package {_package(point)}")
    for number, file in enumerate(files):
        places |= dict.fromkeys(_of_file(file, number), str(file))
    own = [one for one in places if one not in CATALOGUE]
    _require_usable(own, places)
    return tuple(one for step in Step for one in (*CATALOGUE, *own) if one.step is step)


def _of_file(file: Path, number: int) -> list[Check]:
    """The checks of one file, which may import what is beside it."""
    loader = SourceFileLoader(f"createflow_own_checks_{number}", str(file))
    spec = spec_from_loader(loader.name, loader)
    if spec is None or not file.is_file():
        raise UserError(f"--checks {file}: there is no such file", hint="name a Python file")
    module = module_from_spec(spec)
    sys.modules[loader.name] = module
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the user's file raises is told with its line
        sys.modules.pop(loader.name, None)
        place = f"{file}:{_line_in(error, str(file))}".removesuffix(":0")
        raise UserError(f"{place}: the file cannot be imported: {_text(error)}", hint=_EXAMPLE) from None
    checks = _checks_in(module)
    if not checks:
        hint = f"put @check of createflow.checks_api before an async function; {_EXAMPLE}"
        raise UserError(f"--checks {file}: the file declares no check", hint=hint)
    return checks


def _of_package(point: EntryPoint) -> list[Check]:
    """The checks of an installed package."""
    said = f"the checks of package {_package(point)} ({point.value})"
    try:
        checks = _checks_in(point.load())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
        raise UserError(f"{said} cannot be imported: {_text(error)}", hint="mend or uninstall the package") from None
    if not checks:
        hint = f"the entry point {ENTRY_POINTS} names a module with checks, or a list of them"
        raise UserError(f"{said}: there is no check", hint=hint)
    return checks


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.name


def _checks_in(holder: Any) -> list[Check]:
    """The checks in a module, or those that a sequence holds."""
    if isinstance(holder, ModuleType):
        members: Iterable[Any] = vars(holder).values()
    else:
        members = holder if isinstance(holder, Iterable) else [holder]
    return [member for member in members if isinstance(member, Check)]


def _require_usable(own: Sequence[Check], places: dict[Check, str]) -> None:
    """Require that each can run, and has an id of its own.

    Raises:
        UserError: one cannot; with its file and line.
    """
    ours = {one.id for one in CATALOGUE}
    first: dict[str, Check] = {}
    for one in own:
        where = _where(one, places[one])
        for problem in _problems(one):
            raise UserError(f"{where}: {one.id}: {problem}", hint=_EXAMPLE)
        other = first.setdefault(one.id, one)
        if one.id in ours or other is not one:
            whose = "one of createflow's own checks" if one.id in ours else f"the one at {_where(other, places[other])}"
            hint = 'give the function another name, or the check a group of your own: @check(group="shop", …)'
            raise UserError(f"{where}: {one.id} is also the id of {whose}", hint=hint)


def _problems(one: Check) -> Iterator[str]:
    if not inspect.iscoroutinefunction(one.function):
        yield "a check is an async function: write async def"
    for name, parameter in one.parameters.items():
        if parameter.role not in PROBES:
            role = getattr(parameter.role, "__name__", str(parameter.role))
            yield f"parameter {name!r}: {role} is no probe, so nothing could be given for it"
    if not one.source.strip():
        yield "source is empty: it names the rule that the check holds the target to"


def _where(one: Check, place: str) -> str:
    code = getattr(one.function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else place


def _line_in(error: BaseException, file: str) -> int:
    """The line of the file at which it failed; 0 where that is not known."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 0
    lines = [frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else 0


def _text(error: BaseException) -> str:
    """What an error says, in one line."""
    said = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
