"""No pattern of ours tries the same text in ever more ways: who writes the text would decide how long that takes."""

import subprocess
import sys

_LONGEST_S = 100

# In a process of its own, where every pattern that our modules compile is noted, and what hangs can be ended.
_TRIES = r"""
import importlib, pkgutil, re, sys
import createflow
compiled, original = {}, re.compile

def noting(pattern, flags=0):
    made = original(pattern, flags)
    caller = sys._getframe(1).f_globals.get("__name__", "")
    if caller.startswith("createflow"):
        compiled[made] = caller
    return made

re.compile = noting
for module in pkgutil.walk_packages(createflow.__path__, "createflow."):
    if not module.name.startswith(("createflow.reference_server", "createflow.scenarios.load.node")):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
assert len(compiled) > 60, len(compiled)
pieces = ["; ", ";\t ", ";;", "a=b;", "a=", ", ", ",", "a ", " ", '"', '\\"', "a", "1", "a-", "1.", "/a", "%41"]
pieces += ["=", ":", "::", "::a ", "<", "é", "'", "''", "_", "@", "://", "\n", "1 of "]
starts = ["", "a", "a/b", "a=b", 'a="', "http://", "1"]
for pattern, module in compiled.items():
    print(module, pattern.pattern, flush=True)
    for start in starts:
        for piece in pieces:
            for end in ("\x01", "!"):
                text = start + piece * (120 // len(piece)) + end
                text = text if isinstance(pattern.pattern, str) else text.encode()
                pattern.search(text), pattern.fullmatch(text)
print("done")
"""


def test_no_pattern_hangs() -> None:
    """With a text of 120 characters that repeats one piece and ends with something else."""
    try:
        done = subprocess.run([sys.executable, "-c", _TRIES], capture_output=True, timeout=_LONGEST_S, check=False)
    except subprocess.TimeoutExpired as hanging:
        raise AssertionError((hanging.stdout or b"").decode().splitlines()[-1:]) from None
    assert done.stdout.splitlines()[-1:] == [b"done"], done.stderr.decode()
