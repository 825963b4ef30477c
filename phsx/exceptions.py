"""Everything that phsx raises or warns of, in one tree.

::

    PhsxError
     +-- DefinitionError (also a ValueError)   something the caller wrote is wrong
     |    +-- SpaceError                       a parameter, condition or constraint
     |    |    +-- ExpressionError             an expression that cannot be parsed
     |    +-- PlanError                        a block, strategy or override
     |    +-- TargetError                      a target that cannot be called or sent
     |    +-- ConfigurationError               a setting of a run, or a search file
     +-- EvaluationError                       an expression has no value at a point
     +-- ExhaustedError                        a strategy has no untried point left
     +-- ExperimentError
     |    +-- DirectoryError                   a directory that is no experiment
     |    +-- ChangedError                     resumed with another definition
     |    +-- LeaseError                       another master is writing
     |    +-- JournalError                     a journal that cannot be read or written
     +-- ClusterError                          workers that cannot be had or used
     +-- SearchFailedError                     most trials fail

    PhsxWarning (a UserWarning)
     +-- ModelWarning                          a surrogate fell back to something simpler
     +-- ExhaustedWarning                      a block ended early: no point is left
     +-- RecoveryWarning                       something was repaired or taken over
     +-- ChangedWarning                        resumed with something that has changed
     +-- VersionWarning                        workers with other packages than the master

    TrialInterrupted (a BaseException)         ends an attempt of a trial that has saved itself
"""

from __future__ import annotations


class PhsxError(Exception):
    """Base class of every error that phsx raises by itself."""


class DefinitionError(PhsxError, ValueError):
    """Something the caller wrote is wrong; the message names it and says the cure."""


class SpaceError(DefinitionError):
    """A parameter, a condition or a constraint of a search space is wrong."""


class ExpressionError(SpaceError):
    """An expression is not in phsx's small, safe grammar."""


class PlanError(DefinitionError):
    """A plan, a strategy or one of its overrides is wrong."""


class TargetError(DefinitionError):
    """A target cannot be called with the space's parameters, or not be sent to workers."""


class ConfigurationError(DefinitionError):
    """A setting of a run, or a search file, is wrong."""


class EvaluationError(PhsxError):
    """An expression has no value at a point, such as a division by zero."""


class ExhaustedError(PhsxError):
    """A strategy has no valid, untried point left."""


class ExperimentError(PhsxError):
    """An experiment's directory cannot be used as asked."""


class DirectoryError(ExperimentError):
    """A directory is not an experiment, or holds something else."""


class ChangedError(ExperimentError):
    """An experiment is resumed with a definition that does not fit what it holds."""


class LeaseError(ExperimentError):
    """Another master is writing to the experiment."""


class JournalError(ExperimentError):
    """A journal is damaged, or cannot be written."""


class ClusterError(PhsxError):
    """Workers cannot be had, or cannot be used."""


class SearchFailedError(PhsxError):
    """The search was ended because most of its trials fail."""


class PhsxWarning(UserWarning):
    """Base class of every warning that phsx gives."""


class ModelWarning(PhsxWarning):
    """A surrogate model could not be used and something simpler took its place."""


class ExhaustedWarning(PhsxWarning):
    """A block of trials ended early because no untried point is left."""


class RecoveryWarning(PhsxWarning):
    """Something that an earlier run left behind was repaired or taken over."""


class ChangedWarning(PhsxWarning):
    """An experiment goes on with something that has changed, such as the target's code."""


class VersionWarning(PhsxWarning):
    """Workers lack packages of the master's, or have them in other versions."""


class TrialInterrupted(BaseException):
    """A trial has saved a checkpoint and is to go on elsewhere; raised in its target.

    No `Exception`, so that a target's own ``except Exception`` lets it pass. It is no failure.
    """
