"""Every place that writes a file is known, so that no new one forgets who may read it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import createflow

PACKAGE = Path(createflow.__file__).parent
KNOWN = {
    "scenarios/drafting/first_body.py": "schema and body in a temporary folder, while a body is tried",
    "cli/command_consent.py": "mkstemp: 0600, holds digests",
    "cli/init_command.py": "a profile: it names environment variables and holds no secret",
    "cli/openapi_source.py": "mkdtemp: 0700, a profile as that of init",
    "cli/report_output.py": "reports and bodies of findings: 0600 (tests of both); the summary of a job is GitHub's",
    "cli/left_behind.py": "an empty marker: 0600",
    "scenarios/conformance/coverage.py": "documentation",
    "scenarios/conformance/demands/page.py": "documentation",
    "scenarios/harness/guardian/records.py": "what a run must take back: 0600",
    "scenarios/harness/lease.py": "a lock and the name of its holder: 0600",
    "reference_server/defects/table.py": "documentation",
    "reference_server/process/private_file.py": "0600 (test_private_file.py)",
    "reference_server/stack/assembly.py": "the OpenAPI document, which the gateway shows to everybody",
    "reference_server/stack/child_process.py": "logs: 0600",
    "reference_server/stack/credentials.py": "the public certificate of the authority",
    "reference_server/stack/engines/postgres.py": "an empty file that marks a replica; the others by private_file",
    "reference_server/stack/state.py": "the lock: 0600, empty",
    "schemas/profile_reference.py": "documentation",
}
"""The modules that write files, each with why that is safe."""


def writers() -> Iterator[str]:
    """The modules with a call that creates or writes a file."""
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if any(map(_writes, ast.walk(tree))):
            yield file.relative_to(PACKAGE).as_posix()


def _writes(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "O_CREAT"
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in {"write_text", "write_bytes", "mkstemp", "NamedTemporaryFile", "write_to_path", "touch"}:
        return True
    if name != "open":
        return False
    modes = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return bool({"w", "a", "x", "wb", "ab", "xb", "r+", "r+b", "rb+"} & set(modes))


def test_every_writer_is_known() -> None:
    """A new one is added here with its reason, and uses ``private_file`` or the like when it can hold a secret."""
    assert set(writers()) == set(KNOWN)
