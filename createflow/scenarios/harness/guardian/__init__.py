"""The guardian of a run: a small process that heals faults and removes what the run created when the run is gone.

``client`` is the run's side, ``faults`` gives it to checks, ``process`` is the guardian itself, ``rescue`` what it does
when the run is gone, and ``records`` the files that tell the next command about it.
"""
