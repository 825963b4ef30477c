"""An experiment directory: made, opened, run, resumed, and its results."""
