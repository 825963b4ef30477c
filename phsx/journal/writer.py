"""The writer of a journal, of which there is never more than one."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from phsx.exceptions import DirectoryError, JournalError, LeaseError, RecoveryWarning
from phsx.journal.files import write_all
from phsx.journal.format import OWN_TYPES, RESERVED, Record, encode, plain
from phsx.journal.opening import Opened, Opening, open_fields
from phsx.journal.owner import Owner
from phsx.journal.remains import Remains
from phsx.journal.segments import Position, segment_path


class Journal:
    """An experiment's journal, open for writing; made by `Journal.open`.

    Safe for use by several threads. A forked child cannot write through it.

    Attributes
    ----------
    records : list of dict
        What the journal held when it was opened, the "open" record of this opening included.
        Empty when the records went to `replay`.

    Examples
    --------
    >>> import tempfile
    >>> directory = tempfile.mkdtemp()
    >>> with Journal.open(directory, clock=lambda: 0.5) as journal:
    ...     _ = journal.append("trial", id=0, params={"x": 0.1})
    ...     journal.commit()
    >>> from phsx.journal.reader import read
    >>> [record["type"] for record in read(directory).records]
    ['open', 'trial', 'close']
    """

    def __init__(
        self, directory: Path, opened: Opened, records: list[Record], clock: Callable[[], float]
    ) -> None:
        self.records = records
        self._directory = directory
        self._lease = opened.lease
        self._clock = clock
        self._end = opened.end
        self._path = segment_path(directory, opened.end.segment)
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._buffer: list[tuple[bytes, int]] = []  # lines with their checksums
        self._failure: BaseException | None = None
        self._closed = False
        self._descriptor = os.open(
            self._path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        )

    @classmethod
    def open(
        cls,
        directory: str | os.PathLike[str],
        *,
        command: str = "",
        patience: float = 60.0,
        heartbeat: float = 5.0,
        clock: Callable[[], float] = time.time,
        replay: Callable[[list[Record]], object] | None = None,
        remains: Remains | None = None,
    ) -> Journal:
        """Become the only writer of the journal in a directory, which must exist.

        Parameters
        ----------
        directory : str or Path
            The experiment's directory.
        command : str
            What this process does, for whoever is refused meanwhile.
        patience : float
            Seconds without a heartbeat after which a lease from another host counts as dead.
        heartbeat : float
            Seconds between heartbeats of the lease.
        clock : callable
            Returns the time for records, in seconds since 1970.
        replay : callable, optional
            Gets the records that the journal holds, some at a time, in place of `records`: for
            journals larger than one wants in memory.
        remains : Remains, optional
            What is left of a damaged journal. It goes on from there in a new segment, which holds
            from the beginning what is rescued from behind the damage; no other file is changed.

        Raises
        ------
        DirectoryError
            There is no such directory.
        LeaseError
            Another process writes the journal.
        JournalError
            The journal is damaged, or cannot be written.

        Warns
        -----
        RecoveryWarning
            An earlier master did not close the journal.
        """
        path = Path(directory)
        if not path.is_dir():
            raise DirectoryError(f"There is no directory {path} for a journal.")
        records: list[Record] = []
        consume = records.extend if replay is None else replay
        owner = Owner.here(command, float(clock()))
        opening = Opening(
            path,
            owner,
            patience=patience,
            interval=heartbeat,
            clock=clock,
            consume=consume,
            remains=remains,
        )
        try:
            opened = opening.run()
            try:
                journal = cls(path, opened, records, clock)
            except BaseException:
                opened.lease.release()
                raise
        except OSError as error:
            raise JournalError(
                f"The journal in {path} cannot be written: {error.strerror or error}. "
                "Make the directory writable, or work on a copy of it."
            ) from error
        try:
            if opened.notice and remains is None:
                warnings.warn(opened.notice, RecoveryWarning, stacklevel=2)
            if not opened.fresh:
                consume([journal._append("open", open_fields(owner))])
                journal.commit()
        except BaseException:
            journal._abandon()
            raise
        return journal

    @property
    def directory(self) -> Path:
        """The experiment's directory."""
        return self._directory

    @property
    def owner(self) -> Owner:
        """Who writes: this process, as its lease names it."""
        return self._lease.owner

    @property
    def position(self) -> Position:
        """The end of what is safely in the journal."""
        return self._end

    def append(self, kind: str, /, **fields: object) -> Record:
        """Add a record to the next commit.

        Parameters
        ----------
        kind : str
            The record's type.
        **fields
            Values that JSON has; see `plain`.

        Returns
        -------
        dict
            The record as it will be read, with its "seq", "t" and "type".

        Raises
        ------
        JournalError
            A field has no JSON form (then nothing else has happened), or the journal has failed.
        LeaseError
            The lease was lost.
        """
        if kind in OWN_TYPES:
            raise JournalError(
                f"Records of type {kind!r} are the journal's own; name yours otherwise."
            )
        if not RESERVED.isdisjoint(fields):
            names = ", ".join(sorted(RESERVED.intersection(fields)))
            raise JournalError(f"A {kind!r} record cannot have fields called {names}; rename them.")
        return self._append(kind, fields)

    def _append(self, kind: str, fields: dict[str, object]) -> Record:
        with self._lock:
            self._check()
            seq = self._end.seq + len(self._buffer) + 1
            record: Record = {"seq": seq, "t": float(self._clock()), "type": kind}
            for name, value in fields.items():
                record[name] = plain(value, name)
            crc = self._buffer[-1][1] if self._buffer else self._end.crc
            # One step, so that a signal cannot leave a number without its line.
            self._buffer.append(encode(record, crc))
        return record

    def commit(self) -> None:
        """Bring all appended records to the disk, with one write and one fsync.

        Raises
        ------
        LeaseError
            Another master has taken over: nothing was written, or what was written does not count.
        JournalError
            The records could not be written. That is never tried again, since after a failed
            fsync nobody knows what is on the disk: the journal refuses everything further.
        """
        with self._lock:
            self._check()
            if not self._buffer:
                return
            try:
                self._lease.check()
                self._write(b"".join([line for line, _ in self._buffer]))
            except OSError as error:
                self._failure = error
                raise self._failed() from error
            except BaseException as error:  # a signal's too: how far did it get?
                self._failure = error
                raise

    def _write(self, data: bytes) -> None:
        if os.fstat(self._descriptor).st_size != self._end.offset:
            raise LeaseError(f"Somebody else has written to {self._path}; this master stops.")
        write_all(self._descriptor, data)
        os.fsync(self._descriptor)
        successor = segment_path(self._directory, self._end.segment + 1)
        if successor.exists():
            raise LeaseError(f"Another master has taken over and writes {successor}; this stops.")
        self._end = Position(
            self._end.segment,
            self._end.offset + len(data),
            self._end.seq + len(self._buffer),
            self._buffer[-1][1],
        )
        self._buffer.clear()

    def close(self) -> None:
        """Commit, say that the journal is whole, and release the lease. Closing twice is fine."""
        with self._lock:
            if self._closed or os.getpid() != self._pid:
                return
            try:
                if self._failure is None:
                    self._append("close", {})
                    self.commit()
            finally:
                self._abandon()

    def _abandon(self) -> None:
        self._closed = True
        os.close(self._descriptor)
        self._lease.release()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failed() from self._failure
        if self._closed:
            raise JournalError(f"The journal {self._path} is closed.")
        if os.getpid() != self._pid:
            raise LeaseError(f"The journal {self._path} belongs to process {self._pid} alone.")

    def _failed(self) -> JournalError | LeaseError:
        error = self._failure
        if isinstance(error, LeaseError):
            return LeaseError(str(error))
        reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}"
        return JournalError(
            f"The journal {self._path} could not be written ({reason}), so this master stops. "
            "What was committed before is safe: mend the cause (space on the disk?), and run "
            "again to go on."
        )

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
