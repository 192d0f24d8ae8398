"""Text of the target's as one line that nothing takes for a command: no control character survives."""


def one_line(text: str) -> str:
    """The text with everything that does not print shown as its escape.

    Why: a newline or an escape sequence in a reply would write lines of its own into a terminal or a CI log, and a
    direction override would make a line read as what it is not.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
