"""The worker process: the relay and the indexer, side by side."""

import sys
from pathlib import Path

if __name__ == "__main__":
    from createflow.reference_server.wiring import run_worker

    run_worker(Path(sys.argv[1]))
