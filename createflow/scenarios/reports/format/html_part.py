"""The style and the scripts of a page, which its policy knows by their digests."""

import base64
import hashlib
from importlib.resources import files


def part(name: str, package: str = "createflow.scenarios.reports.conformance") -> str:
    """A file of the package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """As a Content-Security-Policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
