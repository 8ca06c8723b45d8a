"""Flower's aggregation functions, as a second opinion; no part of the product needs Flower.

Its file of functions is loaded by itself, from a folder that it was installed into:
``pip install --no-deps --target FOLDER flwr==1.42.0``. What that file imports of the rest of Flower
is the types of messages, for which empty names stand in.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from compliance.errors import BadInputError
from services.learning.aggregate import Delta, InMemory, Rule, aggregate
from services.learning.aggregate.delta import Floats

FILE = Path("flwr/server/strategy/aggregate.py")
STANDINS = {
    "flwr": (),
    "flwr.common": ("FitRes", "NDArray", "NDArrays", "parameters_to_ndarrays"),
    "flwr.server": (),
    "flwr.server.client_proxy": ("ClientProxy",),
}
Results = list[tuple[list[Floats], int]]


@dataclass(frozen=True)
class Compared:
    """A rule here and at Flower: seconds, and how far apart the results are, relative."""

    rule: Rule
    seconds: float
    flower: float
    apart: float


def load(folder: Path) -> ModuleType:
    """Flower's functions.

    Raises:
        BadInputError: they are not in this folder.
    """
    path = folder / FILE
    if not path.is_file():
        raise BadInputError(f"Flower is not in {folder}: {FILE} is not there.")
    spec = importlib.util.spec_from_file_location("flower_rules", path)
    if spec is None or spec.loader is None:
        raise BadInputError(f"Flower's {FILE} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    with patch.dict(sys.modules, {name: _standin(name) for name in STANDINS}):
        spec.loader.exec_module(module)
    return module


def compare(flower: ModuleType, deltas: list[Delta], hostile: int) -> list[Compared]:
    """Both on the same changes, rule by rule; Flower has no norm clip and no geometric median.

    Args:
        flower: its functions.
        deltas: the changes; Flower gets them as full matrices.
        hostile: how many both are told to bear.
    """
    return [_one(rule, theirs, deltas, hostile) for rule, theirs in _rules(flower, hostile).items()]


def _one(rule: Rule, theirs: Callable[[Results], Any], deltas: list[Delta], f: int) -> Compared:
    modules = sorted(deltas[0])
    full = max(min(factors.dense().shape) for factors in deltas[0].values())
    start = time.perf_counter()
    aggregate(InMemory(deltas), rule, rank=8, hostile=f)
    seconds = time.perf_counter() - start
    ours = aggregate(InMemory(deltas), rule, rank=full, hostile=f).delta
    results = [([delta[m].dense() for m in modules], 1) for delta in deltas]
    start = time.perf_counter()
    held = theirs(results)
    flower = time.perf_counter() - start
    apart = [
        float(np.square(ours[m].dense() - h).sum()) for m, h in zip(modules, held, strict=True)
    ]
    whole = sum(float(np.square(h).sum()) for h in held)
    return Compared(rule, seconds, flower, float(np.sqrt(sum(apart) / whole)))


def _rules(flower: ModuleType, f: int) -> dict[Rule, Callable[[Results], Any]]:
    """Each rule as a call of Flower's."""
    return {
        Rule.MEAN: flower.aggregate,
        Rule.MEDIAN: flower.aggregate_median,
        # Flower cuts a share, rounded down: half a contribution more, so that f are cut.
        Rule.TRIMMED_MEAN: lambda r: flower.aggregate_trimmed_avg(r, (f + 0.5) / len(r)),
        Rule.KRUM: lambda r: flower.aggregate_krum(r, f, 0),
        Rule.MULTI_KRUM: lambda r: flower.aggregate_krum(r, f, len(r) - f),
        Rule.BULYAN: lambda r: flower.aggregate_bulyan(r, f, flower.aggregate_krum, to_keep=0),
    }


def _standin(name: str) -> ModuleType:
    module = ModuleType(name)
    for held in STANDINS[name]:
        setattr(module, held, Any)
    return module
