"""The contract of clusters: local workers, and a Dask cluster of somebody's (F1, F2, F4)."""

from __future__ import annotations

import distributed
import pytest

from phsx.clusters.local import local_cluster
from phsx.testing.faults.contract import ClusterFaultContract

# Connections of a cluster that is not the test's own come and go at any time.
pytestmark = pytest.mark.leaks("files")


class TestLocal(ClusterFaultContract):
    @pytest.fixture
    def client(self):
        with local_cluster(2) as cluster:
            with distributed.Client(cluster, set_as_default=False) as client:
                yield client


class TestSomebodys(ClusterFaultContract):
    @pytest.fixture
    def client(self, standing):
        cluster = standing(2, revive=True)
        with distributed.Client(cluster.address, set_as_default=False) as client:
            yield client
