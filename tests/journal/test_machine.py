"""A journal against a list, through every order of appending, committing, dying and reopening."""

import os
import shutil
import tempfile
import warnings
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from phsx.journal import Follower, Journal, read
from phsx.journal.format import encode

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


class JournalMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.directory = Path(tempfile.mkdtemp())
        self.committed, self.pending = [], []
        self.follower, self.followed = Follower(self.directory), []
        self.journal = None
        self.segments = 0

    @precondition(lambda self: self.journal is None)
    @rule()
    def open(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.journal = Journal.open(self.directory)
        assert self.journal.records[:-1] == self.committed
        self.committed.append(self.journal.records[-1])
        assert self.committed[-1]["type"] == "open"

    @precondition(lambda self: self.journal)
    @rule(value=values)
    def append(self, value):
        self.pending.append(self.journal.append("a", value=value))

    @precondition(lambda self: self.journal)
    @rule()
    def commit(self):
        self.journal.commit()
        self.committed += self.pending
        self.pending = []

    @precondition(lambda self: self.journal)
    @rule()
    def close(self):
        self.journal.close()
        self.journal = None
        self.committed += self.pending
        self.pending = []
        self.committed.append(read(self.directory).records[-1])
        assert self.committed[-1]["type"] == "close"

    @precondition(lambda self: self.journal)
    @rule(leased=st.booleans(), part=st.floats(0, 1))
    def die(self, leased, part):
        """Leave a part of the next line behind, and perhaps the lease."""
        end = self.journal.position
        line, _ = encode({"seq": end.seq + 1, "t": 0.5, "type": "torn"}, end.crc)
        os.write(self.journal._descriptor, line[: int(part * (len(line) - 1))])
        lease = (self.directory / "lease.json").read_bytes()
        self.journal._abandon()
        if leased:
            (self.directory / "lease.json").write_bytes(lease)
        self.journal = None
        self.pending = []

    @rule()
    def follow(self):
        self.followed += self.follower.poll()
        assert self.followed == self.committed

    @invariant()
    def read_is_what_was_committed(self):
        if hasattr(self, "committed"):
            reading = read(self.directory)
            assert repr(reading.records) == repr(self.committed)
            assert [r["seq"] for r in self.committed] == list(range(1, len(self.committed) + 1))

    def teardown(self):
        if getattr(self, "journal", None):
            self.journal.close()
        if hasattr(self, "directory"):
            shutil.rmtree(self.directory)


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, derandomize=True
)
