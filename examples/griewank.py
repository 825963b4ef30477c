"""The minimum of the Griewank function: random trials first, then Bayesian ones, then plots.

This is the quick start of PHS in phsx. It leaves a directory with the trials, `results.csv` and
four pictures. Run it again and it goes on where it was, or has nothing to do.

    python examples/griewank.py [directory] [--trials 40]
"""

import argparse
from math import cos, sqrt
from pathlib import Path

import phsx


def griewank(x, y):
    """Griewank's function in two dimensions; its minimum is 0 at (0, 0)."""
    return (x**2 + y**2) / 4000 - cos(x) * cos(y / sqrt(2)) + 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", default="griewank", type=Path)
    parser.add_argument("--trials", type=int, default=40, help="Bayesian trials after 20 others")
    options = parser.parse_args()

    experiment = phsx.Experiment(
        options.directory,
        target=griewank,
        space={"x": phsx.Float(-5, 5, digits=3), "y": phsx.Float(-5, 5, digits=3)},
        plan=[
            phsx.Random(20, y=[1.2, 3.4, -2.7]),  # x at random, y from the list in turn
            phsx.Bayesian(options.trials),  # learns from all of them
        ],
        seed=0,
    )
    experiment.run(workers=4)

    best = experiment.best
    print(f"best value {best.value:.4f} at x = {best.params['x']}, y = {best.params['y']}")

    phsx.plot.history(experiment, path=options.directory / "history.png")
    phsx.plot.parameters(experiment, "x", "y", kind="contour", path=options.directory / "xy.png")
    phsx.plot.parallel_coordinates(experiment, path=options.directory / "parallel.png")
    phsx.plot.worker_timeline(experiment, path=options.directory / "timeline.png")
    print(f"the pictures are in {options.directory}")


if __name__ == "__main__":
    main()
