"""Training at a node: from its own examples to a change that may be sent to the parent.

Workflow. `train_local` checks what the node's privacy budget still allows, starts one process in
the environment with torch (`worker.py`), and writes the spending down before it returns the change.
The process puts the parent's adapter beside the frozen model (`open.py`) and trains a fresh one of
one rank beside both (`fit.py`), so that the change is nothing at the start and is of the rank that
all share. Its factor ``down`` starts from a seed that every site has, and stays so where people are
protected: then the products of all sites add up without loss. Three things hold the change near the
parent: examples that every site has (`protected`), the distance of its answers to them from the
parent's, and its length. `learner.py` does all this for a node: its signals, when the machine has
time to spare (`limits.py`), and the contribution that waits to be sent (`outbox.py`).

Privacy. With ``example`` each example's gradient is clipped and noise is added to their sum
(`private.py`); the unit protected is one example, which is one person where each counts once. With
``update`` the whole change is clipped and noise is added to it (`update.py`); the unit is all that
the site has. What leaves says nothing measured on the site's own examples then, except how many
there were, and how often people said of an answer that it was wrong. Noise has as many directions
as ``up`` has numbers, and a signal only one: `terms.py` says beforehand how they compare, and
nothing is spent where only noise would come of it.

A signal that says what was wrong too is a preference pair: the better answer is learned, and the
worse one is kept behind it (`fit.py`).

    trained = train_local(TrainRequest(base=folder, examples=examples, seed="general/0"), say=print)
    write_contribution(path, {..., "privacy": trained.privacy}, trained.delta, key)
    release, lost = onto(delta_of(parent), aggregated, rank)     # at the parent, from epoch 1 on
"""

from services.learning.train.local import Account, train_local
from services.learning.train.onto import onto
from services.learning.train.request import (
    Example,
    Protection,
    Recipe,
    Trained,
    TrainRequest,
)

__all__ = [
    "Account",
    "Example",
    "Protection",
    "Recipe",
    "TrainRequest",
    "Trained",
    "onto",
    "train_local",
]
