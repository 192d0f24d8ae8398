"""What every exchange of a run is held to, whichever check sent it; listed by hand.

What may enter: observers, and the requests that they make when a run has sent nothing to look at. What checks do on
purpose is in ``checks``.
"""

from createflow.scenarios.harness.observer import Observer
from createflow.scenarios.observers import bodies, caching, disclosure, document, fields, rate, statuses

MODULES = (statuses, bodies, document, fields, disclosure, caching, rate)

OBSERVERS: tuple[Observer, ...] = tuple(
    member for module in MODULES for member in vars(module).values() if isinstance(member, Observer)
)
