"""Training at a node: from its own examples to a change that may be sent to the parent.

Workflow. `train_local` checks what the node can spare (`limits.py`) and what its privacy budget
still allows, starts one process in the environment with torch (`worker.py`), and writes the
spending down before it returns the change. The process puts the parent's adapter into the frozen
model and trains a fresh one of one rank beside it, so that the change is of the rank that all share
and is nothing at the start. Three things hold it near the parent: examples that every site has
(`protected`), the distance of its answers to them from the parent's, and the length of the change.

Privacy. With ``example`` each example's gradient is clipped and noise is added to their sum
(`private.py`); the unit protected is one example. With ``update`` the whole change is clipped and
noise is added to it (`update.py`); the unit is all that the site has. Either way ``down`` stays as
drawn from a seed that is public and the same at every site, so the noise is not multiplied with
itself, and the products of all sites add up without loss. What leaves says nothing measured on the
site's own examples then, except how many there were.

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
