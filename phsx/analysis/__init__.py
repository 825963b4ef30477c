"""Plots of an experiment; public as `phsx.plot`.

Each takes an experiment and `ax=`, returns the matplotlib axes, and saves to a .png, .pdf or .svg
file by `path=`.
"""

from phsx.analysis.history_plot import history
from phsx.analysis.parallel_coordinates_plot import parallel_coordinates
from phsx.analysis.parameters_plot import parameters
from phsx.analysis.worker_timeline_plot import worker_timeline

__all__ = ["history", "parallel_coordinates", "parameters", "worker_timeline"]
