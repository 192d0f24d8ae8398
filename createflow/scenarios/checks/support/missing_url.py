"""Where a resource would be that does not exist."""


def sibling_url(url: str) -> str:
    """A URL whose id has the same form but names nothing."""
    base, _, name = url.rpartition("/")
    stem, dot, rest = name.partition(".")
    if stem.isdigit():
        return f"{base}/{int(stem) + 1_000_000_000}{dot}{rest}"
    digits = [position for position, letter in enumerate(stem) if letter.isdigit()]
    if not digits:
        return f"{base}/{stem}-no-such{dot}{rest}"
    last = digits[-1]
    return f"{base}/{stem[:last]}{9 - int(stem[last])}{stem[last + 1 :]}{dot}{rest}"
