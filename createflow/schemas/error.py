"""Errors that are shown to the user without a traceback: what is wrong, where, and a hint."""


class UserError(Exception):
    """The command line or the profile is invalid (exit status 2).

    Args:
        message: what is wrong and where: one line, without secrets.
        hint: what to do, ideally a command.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class TargetError(Exception):
    """The target cannot be reached or is not an HTTP server (exit status 3).

    Args:
        target: the address, without credentials.
        message: what happened.
        hint: what to check.
    """

    def __init__(self, target: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{target}: {message}")
        self.target = target
        self.message = message
        self.hint = hint
