"""The operating system user that PostgreSQL runs as, and the directories that this user can enter."""

import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from createflow.schemas.error import UserError


@dataclass(frozen=True, slots=True)
class OsUser:
    """A user of the operating system."""

    uid: int
    gid: int
    name: str


def unprivileged_user() -> OsUser | None:
    """Return the user for programs that refuse to run as root; None when this process does not run as root.

    Raises:
        UserError: this process runs as root, and there is no other user.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return OsUser(uid=entry.pw_uid, gid=entry.pw_gid, name=name)
    raise UserError(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody",
        hint="run createflow as an ordinary user",
    )


def can_enter(directory: Path, user: OsUser) -> bool:
    """Whether the user may enter ``directory`` and all its parents."""
    resolved = directory.resolve()
    return all(_may_search(path, user) for path in (resolved, *resolved.parents))


def reachable_directory(parent: Path, name: str, user: OsUser | None) -> Path:
    """Make a directory that the user owns, and return its path: ``parent/name``, or one in the temporary directory.

    The second is used when the user cannot enter ``parent``, for example root's home; ``parent/name`` is then a link to
    it, so that the state directory still names everything.

    Raises:
        UserError: the user cannot enter the temporary directory either.
    """
    directory = parent / name
    if user is None or can_enter(parent, user):
        directory.mkdir(mode=0o700)
    else:
        outside = Path(tempfile.mkdtemp(prefix="createflow-"))
        if not can_enter(outside.parent, user):
            outside.rmdir()
            raise UserError(
                f"PostgreSQL has to run as {user.name}, which can enter neither {parent} nor {outside.parent}",
                hint="choose a directory that this user can enter: --state DIR",
            )
        directory.symlink_to(outside)
    if user is not None:
        os.chown(directory, user.uid, user.gid)
    return directory.resolve()


def copy_for(user: OsUser, source: Path, target: Path) -> None:
    """Copy a directory tree, and make the user its owner."""
    shutil.copytree(source, target, symlinks=True)
    for directory, _, names in os.walk(target):
        os.chown(directory, user.uid, user.gid)
        for name in names:
            os.chown(Path(directory) / name, user.uid, user.gid, follow_symlinks=False)


def _may_search(path: Path, user: OsUser) -> bool:
    status = path.stat()
    if status.st_uid == user.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == user.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)
