"""Which user PostgreSQL runs as, and whether that user can get where it must."""

import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from createflow.schemas.error import UserError


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the machine."""

    uid: int
    gid: int
    name: str


def unprivileged_account() -> Account | None:
    """The user for programs that refuse to run as root; None when we are an ordinary user ourselves.

    Raises:
        UserError: we are root and there is nobody else.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=name)
    raise UserError(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody",
        hint="run createflow as an ordinary user",
    )


def can_enter(directory: Path, account: Account) -> bool:
    """Whether the account may pass through every directory on the way to, and into, ``directory``."""
    resolved = directory.resolve()
    return all(_may_search(path, account) for path in (resolved, *resolved.parents))


def reachable_directory(parent: Path, name: str, account: Account | None) -> Path:
    """A new directory owned by ``account``: ``parent/name``, or one in the temporary directory.

    The second when the account cannot get into ``parent``, for example root's home; ``parent/name`` is then a link to
    it, so that everything still has its place in the state directory.

    Raises:
        UserError: the account cannot get into the temporary directory either.
    """
    place = parent / name
    if account is None or can_enter(parent, account):
        place.mkdir(mode=0o700)
    else:
        outside = Path(tempfile.mkdtemp(prefix="createflow-"))
        if not can_enter(outside.parent, account):
            outside.rmdir()
            raise UserError(
                f"PostgreSQL has to run as {account.name}, who can enter neither {parent} nor {outside.parent}",
                hint="choose a place that this user can enter: --state DIR",
            )
        place.symlink_to(outside)
    if account is not None:
        os.chown(place, account.uid, account.gid)
    return place.resolve()


def copy_for(account: Account, source: Path, target: Path) -> None:
    """Copy a tree of programs to a place that the account can enter, and make it the account's own."""
    shutil.copytree(source, target, symlinks=True)
    for directory, _, names in os.walk(target):
        os.chown(directory, account.uid, account.gid)
        for name in names:
            os.chown(Path(directory) / name, account.uid, account.gid, follow_symlinks=False)


def _may_search(path: Path, account: Account) -> bool:
    status = path.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == account.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)
