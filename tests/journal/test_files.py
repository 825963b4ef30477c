import errno
import os

import pytest

from phsx.journal.files import publish, read_small, sync_directory, write_all


def names(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture(params=["links", "no links"])
def links(request, monkeypatch):
    if request.param == "no links":

        def refuse(*args, **kwargs):
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", refuse)


def test_publishing_is_exclusive_and_leaves_nothing_else(tmp_path, links):
    descriptor = publish(tmp_path / "a", b"one", "n1")
    with pytest.raises(FileExistsError):
        publish(tmp_path / "a", b"two", "n2")
    os.pwrite(descriptor, b"ONE", 0)
    os.close(descriptor)
    assert read_small(tmp_path / "a", 100) == b"ONE"
    assert names(tmp_path) == ["a"]


def test_replacing_leaves_the_older_file_to_who_has_it_open(tmp_path):
    older = publish(tmp_path / "a", b"one", "n1")
    os.close(publish(tmp_path / "a", b"two", "n2", replace=True))
    os.pwrite(older, b"old", 0)
    os.close(older)
    assert read_small(tmp_path / "a", 100) == b"two"
    assert names(tmp_path) == ["a"]


def test_a_link_whose_answer_was_lost_counts(tmp_path, monkeypatch):
    """NFS repeats the request then, and the repetition finds the name taken: by itself."""
    link = os.link

    def twice(source, target):
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", twice)
    os.close(publish(tmp_path / "a", b"one", "n1"))
    assert read_small(tmp_path / "a", 100) == b"one"


def test_a_failure_leaves_neither_file_nor_descriptor(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.EIO, "broken")

    before = os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd") else []
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="broken"):
        publish(tmp_path / "a", b"one", "n1")
    assert names(tmp_path) == []
    assert len(os.listdir("/proc/self/fd") if before else []) == len(before)


def test_a_short_write_is_an_error(monkeypatch):
    monkeypatch.setattr(os, "write", lambda descriptor, data: len(data) - 1)
    with pytest.raises(OSError, match="only 2 of 3 bytes"):
        write_all(1, b"abc")


def test_pipes_and_directories_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            read_small(path, 100)


def test_directories_that_cannot_be_synced_are_fine(tmp_path, monkeypatch):
    def fail(code):
        def fsync(descriptor):
            raise OSError(code, "no")

        monkeypatch.setattr(os, "fsync", fsync)

    fail(errno.EINVAL)
    sync_directory(tmp_path)
    fail(errno.EIO)
    with pytest.raises(OSError, match="no"):
        sync_directory(tmp_path)
