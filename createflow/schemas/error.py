"""Errors that are told to the user without a traceback: what, where, and a hint."""


class UserError(Exception):
    """The user asked for something that cannot be done as asked (exit status 2).

    Args:
        message: what is wrong and where, one line, no secret in it.
        hint: what to do about it, ideally a command.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class TargetError(Exception):
    """The target cannot be reached or does not behave like a server at all (exit status 3).

    Args:
        target: the address, without credentials.
        message: what happened when it was tried.
        hint: what to look at.
    """

    def __init__(self, target: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{target}: {message}")
        self.target = target
        self.message = message
        self.hint = hint
