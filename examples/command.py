"""Any program as target: parameters on its command line, the result from its last line.

The program here is a little one in Python; a simulation in C or Fortran is called the same way.
No shell is involved, so that no parameter needs quoting. What the program prints is kept in the
trial's directory, and a program that fails fails its trial only.

    python examples/command.py [directory] [--trials 15]
"""

import argparse
import sys

import phsx

PROGRAM = """
import sys
amplitude, steps = float(sys.argv[1]), int(sys.argv[2])
print("simulating", steps, "steps")
print(abs(amplitude - 0.7) + 1 / steps)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", default="command")
    parser.add_argument("--trials", type=int, default=15)
    options = parser.parse_args()

    experiment = phsx.Experiment(
        options.directory,
        target=phsx.Command([sys.executable, "-c", PROGRAM, "{amplitude}", "{steps}"]),
        space={"amplitude": phsx.Float(0, 2), "steps": phsx.Int(10, 1000, log=True)},
        plan=[phsx.Bayesian(options.trials)],
        seed=0,
    )
    experiment.run(workers=2, timeout=30)

    print(f"best: {experiment.best.params} with {experiment.best.value:.4f}")


if __name__ == "__main__":
    main()
