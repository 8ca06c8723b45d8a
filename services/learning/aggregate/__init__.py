"""Putting the contributions of a round together, so that a few hostile ones cannot spoil it.

Workflow. A contribution is a low-rank change of each module: ``up @ down`` (`delta.py`). What is
averaged is that product, never the factors apart: averaging the factors is wrong by what their
drift multiplies to. Rules that weigh whole contributions (mean, norm clip, Krum, multi-Krum,
geometric median) need only how the products lie to one another, a Gram matrix that is computed from
the factors (`gram.py`; from sketches of them where very many contribute); rules that look at each
coordinate (trimmed mean, median, Bulyan) see the products in blocks of rows (`coordinate.py`).
Either way the result is projected to the one rank that all share (`project.py`), and memory stays
bounded however many contribute: modules are read one after the other.

    made = aggregate(contributions, Rule.MULTI_KRUM, hostile=4, rank=8)
    made.delta["layers.0.q"].up, made.weights
"""

from services.learning.aggregate.delta import Delta, Factors, InMemory, Round
from services.learning.aggregate.rules import Rule
from services.learning.aggregate.run import Aggregate, aggregate

__all__ = ["Aggregate", "Delta", "Factors", "InMemory", "Round", "Rule", "aggregate"]
