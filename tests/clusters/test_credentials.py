"""Credentials are for their owner alone, and gone with their run."""

from __future__ import annotations

import os
import stat

import pytest

from phsx.clusters.credentials import ClusterDirectory


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_files_that_only_the_owner_can_read(tmp_path):
    old = os.umask(0)
    try:
        files = ClusterDirectory(tmp_path)
        files.make()
        security = files.security()
    finally:
        os.umask(old)
    assert mode(files.path) == 0o700
    assert {mode(path) for path in files.path.iterdir()} == {0o600}
    tls = security.get_tls_config_for_role("worker")
    assert tls["key"] == str(files.path / "key.pem")
    assert "PRIVATE KEY" in (files.path / "key.pem").read_text()
    files.remove()
    assert not files.path.exists()
    files.remove()


def test_every_run_has_its_own(tmp_path):
    files = ClusterDirectory(tmp_path)
    keys = []
    for _ in range(2):
        files.make()
        files.security()
        keys.append((files.path / "key.pem").read_text())
    assert keys[0] != keys[1]


def test_jobs_of_a_killed_run(tmp_path):
    files = ClusterDirectory(tmp_path)
    assert files.stale_jobs() == {}
    files.make()
    files.remember({"12": "phsx-x", "7": "phsx-x.2"})
    assert ClusterDirectory(tmp_path).stale_jobs() == {"12": "phsx-x", "7": "phsx-x.2"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"name": 1}', '{"name": "x", "ids": 3}', "3", "no JSON"]
)
def test_a_strangers_directory_harms_nobody(tmp_path, text):
    files = ClusterDirectory(tmp_path)
    files.make()
    (files.path / "jobs.json").write_text(text)
    assert files.stale_jobs() == {}
    (files.path / "jobs.json").write_text('{"--all": "x", "1;2": "x", "5": "x"}')
    assert files.stale_jobs() == {"5": "x"}


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").touch()
    (tmp_path / "cluster").symlink_to(other)
    files = ClusterDirectory(tmp_path)
    files.make()
    assert (other / "file").exists() and not files.path.is_symlink()
