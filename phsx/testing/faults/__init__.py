"""Fault injectors: processes killed or frozen, networks cut, and checks of what is left.

Everything is done for real: by signals, by closed sockets, by processes that end. Nothing waits for
a fixed time; what has to come true is looked for until a deadline.
"""

from phsx.testing.faults.attack import Attack
from phsx.testing.faults.exact import check_exact, completed, ends
from phsx.testing.faults.held import Held
from phsx.testing.faults.lifetimes import Lifetimes
from phsx.testing.faults.patience import until
from phsx.testing.faults.relay import Relay
from phsx.testing.faults.standing import StandingCluster
from phsx.testing.faults.victim import Victim

__all__ = [
    "Attack",
    "Held",
    "Lifetimes",
    "Relay",
    "StandingCluster",
    "Victim",
    "check_exact",
    "completed",
    "ends",
    "until",
]
