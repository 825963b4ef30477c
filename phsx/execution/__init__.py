"""Runs tasks and targets: on Dask, in this process; and what of that happens on a worker."""
