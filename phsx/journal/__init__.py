"""The write-ahead journal: one writer under a lease, any number of readers, nothing rewritten."""

from phsx.journal.format import SCHEMA, Record
from phsx.journal.lease import holder
from phsx.journal.owner import Owner
from phsx.journal.reader import Follower, Reading, read
from phsx.journal.remains import Remains
from phsx.journal.segments import Position
from phsx.journal.vigil import Vigil
from phsx.journal.writer import Journal

__all__ = [
    "SCHEMA",
    "Follower",
    "Journal",
    "Owner",
    "Position",
    "Reading",
    "Record",
    "Remains",
    "Vigil",
    "holder",
    "read",
]
