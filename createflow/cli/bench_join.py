"""``createflow bench --worker``: lend this machine to a master."""

import asyncio

from rich.console import Console

from createflow.scenarios.load.fleet.join import join


def lend(host: str, port: int) -> None:
    """Work for the master until its run is over.

    Raises:
        TargetError: nobody waits there.
    """
    talk = Console(stderr=True)
    asyncio.run(join(host, port, lambda told: talk.print(told, soft_wrap=True, highlight=False, markup=False)))
