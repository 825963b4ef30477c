"""Search spaces: parameters, conditions, constraints, and their way to the unit cube and JSON."""

from phsx.space.categorical import Categorical
from phsx.space.choices import Choices
from phsx.space.constant import Constant
from phsx.space.expr import Expr
from phsx.space.expression import Expression
from phsx.space.float import Float
from phsx.space.int import Int
from phsx.space.kinds import parameter_from_dict
from phsx.space.ordinal import Ordinal
from phsx.space.parameter import Parameter
from phsx.space.space import Params, Space

__all__ = [
    "Categorical",
    "Choices",
    "Constant",
    "Expr",
    "Expression",
    "Float",
    "Int",
    "Ordinal",
    "Parameter",
    "Params",
    "Space",
    "parameter_from_dict",
]
