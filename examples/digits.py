"""Which classifier, and with which parameters? A conditional space on handwritten digits.

Each classifier has parameters of its own: they are active only where it is chosen, and the target
gets only those that are active. The search maximizes cross-validated accuracy.

    python examples/digits.py [directory] [--trials 40]
"""

import argparse

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import phsx

SPACE = {
    "classifier": phsx.Categorical(["svm", "neighbours", "forest"]),
    "standardize": phsx.Categorical([True, False]),
    "C": phsx.Float(0.01, 1000, log=True, when={"classifier": "svm"}),
    "gamma": phsx.Float(1e-5, 1, log=True, when={"classifier": "svm"}),
    "n_neighbors": phsx.Int(1, 30, log=True, when={"classifier": "neighbours"}),
    "weights": phsx.Categorical(["uniform", "distance"], when={"classifier": "neighbours"}),
    "max_depth": phsx.Int(2, 20, when={"classifier": "forest"}),
    "max_features": phsx.Float(0.05, 1, when={"classifier": "forest"}),
}
CLASSIFIERS = {"svm": SVC, "neighbours": KNeighborsClassifier, "forest": RandomForestClassifier}


def accuracy(parameters):
    """Return the objective, and what else is to be kept; gets all parameters as one mapping."""
    chosen = dict(parameters)
    kind = chosen.pop("classifier")
    scaler = StandardScaler() if chosen.pop("standardize") else None
    images, digits = load_digits(return_X_y=True)
    model = make_pipeline(scaler, CLASSIFIERS[kind](**chosen))
    scores = cross_val_score(model, images, digits, cv=3)
    return {"accuracy": scores.mean(), "worst_fold": scores.min()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", default="digits")
    parser.add_argument("--trials", type=int, default=40)
    options = parser.parse_args()

    experiment = phsx.Experiment(
        options.directory,
        target=accuracy,
        space=SPACE,
        plan=[phsx.Bayesian(options.trials)],
        seed=0,
        objective="accuracy",
        maximize=True,
    )
    experiment.run(workers=2, timeout=60)  # no trial may take longer than a minute

    frame = experiment.to_dataframe()
    print(frame.sort_values("value", ascending=False).head(5).to_string())
    print("best:", experiment.best.params)


if __name__ == "__main__":
    main()
