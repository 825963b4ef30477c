"""Strategies mixed per parameter and per block, and a parameter that is an expression.

A plan is a list of blocks that run in order. In each block every parameter follows the block's
strategy, unless it is overridden by a value, a list of values or another strategy.

    python examples/mixed_strategies.py [directory] [--trials 20]
"""

import argparse

import phsx

SPACE = {
    "x": phsx.Float(-5, 5),
    "n": phsx.Int(1, 6),
    # One of two formulas is chosen, and evaluated with the parameters above it.
    "f": phsx.Expression(["sin(x) * n", "cos(x) + n / 2"]),
    "noise": phsx.Float(1e-4, 1, log=True),
}


def target(x, n, f, noise):
    """Something that depends on all four; `f` arrives as the number that it came to."""
    return (f - 1.5) ** 2 + 0.1 * abs(x) + 0.01 * n + noise


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", default="mixed")
    parser.add_argument("--trials", type=int, default=20, help="trials of the last block")
    options = parser.parse_args()

    experiment = phsx.Experiment(
        options.directory,
        target=target,
        space=SPACE,
        plan=[
            # A first guess; f is drawn at random.
            phsx.Explicit([{"x": 0.5, "n": 2, "noise": 0.1}], f=phsx.Random()),
            # x from a normal distribution, n in turn from a list, noise held, f at random.
            phsx.Random(9, x=phsx.Normal(0, 1), n=[1, 2, 3], noise=0.01),
            # Evenly spread points, with noise drawn from its own range's lower part.
            phsx.Sobol(8, noise=phsx.LogUniform(1e-4, 1e-2)),
            # The model chooses x, f and noise; n stays. It starts when all of the above is done.
            phsx.Bayesian(options.trials, n=4, wait=True),
        ],
        seed=0,
    )
    experiment.run(workers=2)

    frame = experiment.to_dataframe()
    print(frame.groupby("block")["value"].agg(["count", "min"]).to_string())
    print("best:", experiment.best.params, "with", round(experiment.best.value, 4))


if __name__ == "__main__":
    main()
