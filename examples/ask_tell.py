"""Your own loop: ask for trials, evaluate them however you like, tell the results.

No directory, no workers, no Dask: for a machine in a laboratory, another scheduler, a colleague.

    python examples/ask_tell.py [--trials 30]
"""

import argparse

import phsx


def measure(x, y):
    """Stand for an experiment that is not for a computer to start."""
    return (x - 1) ** 2 + (y + 2) ** 2 + 0.5 * x * y


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30)
    options = parser.parse_args()

    space = {"x": phsx.Float(-5, 5), "y": phsx.Float(-5, 5)}
    optimizer = phsx.Optimizer(space, strategy=phsx.Bayesian(), seed=0)

    # What is known already counts from the beginning.
    known = [{"x": 0.0, "y": 0.0}, {"x": 2.0, "y": -2.0}]
    optimizer.tell_many([(params, measure(**params)) for params in known])

    for _ in range(options.trials // 3):
        batch = [optimizer.ask() for _ in range(3)]  # three at once, apart from each other
        for trial in batch:
            optimizer.tell(trial, measure(**trial.params))

    best = optimizer.best
    print(f"best value {best.value:.4f} at x = {best.params['x']:.3f}, y = {best.params['y']:.3f}")


if __name__ == "__main__":
    main()
