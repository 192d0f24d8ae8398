"""The worker process: the relay and the indexer, side by side."""

import sys
from pathlib import Path

if __name__ == "__main__":
    from createflow.reference_server.wiring.process import run
    from createflow.reference_server.wiring.worker import build_worker

    run(Path(sys.argv[1]), build_worker)
