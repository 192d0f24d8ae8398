"""A load node that runs the whole schedule alone, in a process of its own, with Locust's local runner.

``python -m createflow.scenarios.load.node.node``, started by ``fleet.py`` and useless by hand.
"""

from createflow.scenarios.load.node.node_process import Parent  # first: see there

# isort: split
import gevent
from locust.env import Environment

from createflow.scenarios.load.node.engine import Engine
from createflow.scenarios.load.node.sender import Sender
from createflow.scenarios.load.plan.message import NodeConfig


def main() -> None:
    """Hear the configuration, get ready, and run when told to."""
    parent = Parent()
    (document,) = parent.hear()["configs"]
    config = NodeConfig.from_document(document)
    environment = Environment(user_classes=[Sender])
    engine = Engine(config, environment, lambda state: parent.say({"state": state.to_document()}))
    environment.create_local_runner().start(config.senders, spawn_rate=config.senders)
    engine.prepare()
    start = float(parent.hear()["start"])
    control = gevent.spawn(_obey, parent, engine)
    engine.run(start)
    control.kill()


def _obey(parent: Parent, engine: Engine) -> None:
    while True:
        engine.obey(parent.hear())


if __name__ == "__main__":
    main()
