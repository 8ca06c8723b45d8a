"""Merge adapters into one of the same rank, by their products B·A.

`METHODS` maps each name to PEFT's combination. All work on the products: ``linear`` is their mean
with weights brought to a sum of one, ``svd`` their sum with weights as given, ``ties`` keeps the
largest entries and drops those that disagree in sign, ``dare`` drops entries by chance and scales
the others up, ``dare-ties`` does both. The result is cut back to the rank by its singular values,
and how much of the weighted sum that keeps is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from services.bricks.adapters.adapter import Adapter, Pair
from services.bricks.adapters.peft_folder import read_peft, write_peft
from services.bricks.adapters.tensors import Tensor
from services.bricks.errors import BrickError
from services.bricks.manifest import BrickManifest, Evaluation
from services.bricks.operations.adapter import AdapterContent
from services.bricks.operations.content import content_of_brick
from services.bricks.operations.errors import NoGainError
from services.bricks.operations.evaluate import as_said, is_harm
from services.bricks.operations.life import Done, Plan, finish, refuse_taken
from services.bricks.operations.workshop import Workshop
from services.engines.torch_side import run_module

METHODS = {
    "linear": "svd",
    "svd": "svd",
    "ties": "ties_svd",
    "dare": "dare_linear_svd",
    "dare-ties": "dare_ties_svd",
}
"""PEFT's names of the ways to merge, by ours; those of one rank."""
PRUNING = frozenset({"ties", "dare", "dare-ties"})
"""Ways that leave a share of the weights out, and so take a density."""


@dataclass(frozen=True)
class Recipe:
    """How adapters are merged.

    Attributes:
        method: one of `METHODS`.
        weights: one for each adapter; equal ones when there are none.
        density: share of the entries that methods with pruning keep.
        seed: of what is dropped by chance.
    """

    method: str = "linear"
    weights: tuple[float, ...] = ()
    density: float = 0.5
    seed: int = 0

    def of(self, count: int) -> tuple[float, ...]:
        """The weights of so many adapters.

        Raises:
            BrickError: the method is unknown, or a number is not as it has to be.
        """
        if self.method not in METHODS:
            raise BrickError(f"There is no method {self.method}: {', '.join(METHODS)}.")
        if not 0 < self.density <= 1:
            raise BrickError("The density is a share above 0, at most 1.")
        weights = self.weights or (1.0,) * count
        if len(weights) != count:
            raise BrickError(f"{count} adapters need {count} weights, not {len(weights)}.")
        if not all(np.isfinite(weights)) or sum(weights) <= 0:
            raise BrickError("Weights are numbers with a sum above 0.")
        total = sum(weights)
        return tuple(w / total for w in weights) if self.method == "linear" else weights

    def said(self, weights: Sequence[float]) -> str:
        """In a line, for the lineage."""
        given = ", ".join(f"{weight:g}" for weight in weights)
        pruned = f", density {self.density:g}, seed {self.seed}"
        return f"{self.method} on B·A, weights {given}{pruned if self.method in PRUNING else ''}"


def merge_adapters(
    shop: Workshop,
    refs: Sequence[str],
    fields: Mapping[str, Any],
    recipe: Recipe,
    *,
    accept: str | None = None,
    dry: bool = False,
) -> Done:
    """Make one new adapter of several that have one base model and one rank.

    Args:
        shop: where it is made; the base model must be in Transformers' form.
        refs: the bricks, ``id@version``; level and domain are the first one's unless given.
        fields: of the new manifest: ``id``, and what is to be other than the first brick's.
        recipe: how they are merged.
        accept: why it is taken although it is worse than each of them at something.
        dry: nothing is added.

    Raises:
        NoGainError: it is worse than the weakest of them at something: they undo one another.
        BrickError: fewer than two, other kinds, ranks or base models, or a recipe that cannot be.
        EngineError: the environment with torch is not here, or broke off.
    """
    refuse_taken(shop, str(fields.get("id")))
    manifests = [shop.store.get(ref) for ref in dict.fromkeys(refs)]
    contents = _adapters(shop, manifests)
    weights = recipe.of(len(contents))
    parents = tuple(manifest.ref for manifest in manifests)
    with shop.draft() as folder:
        out = Path(folder) / "merged"
        merged = _merged(shop, contents, weights, recipe, Path(folder))
        probes = tuple(dict.fromkeys(p for content in contents for p in content.probes))
        content = replace(contents[0], adapter=merged, folder=out, probes=probes)
        kept = share_kept(merged, [c.adapter for c in contents], weights)
        evaluations = [
            *content.measure(shop, contents, "weakest"),
            Evaluation(
                suite="weighted sum of the products",
                metric="share kept",
                value=round(kept, 4),
                n=len(merged.parts),
                date=shop.now().date(),
            ),
        ]
        if is_harm(evaluations) and accept is None:
            raise NoGainError(f"Merged, they undo one another: {as_said(evaluations)}.")
        first = manifests[0]
        whole = {
            **first.model_dump(include={"level", "languages", "domain", "sub_domain", "licence"}),
            "title": " and ".join(m.title for m in manifests)[:300],
            **{name: value for name, value in fields.items() if value is not None},
            "version": 1,
        }
        note = f"taken because: {accept}" if accept else None
        plan = Plan("merged", None, parents, recipe.said(weights), note, dry)
        return finish(shop, content, whole, evaluations, plan)


def _adapters(shop: Workshop, manifests: Sequence[BrickManifest]) -> list[AdapterContent]:
    if len(manifests) < 2:  # noqa: PLR2004 - one is not merged
        raise BrickError("Two or more adapters are needed.")
    for name in ("kind", "base", "rank"):
        if len(values := {str(getattr(m, name)) for m in manifests}) > 1:
            raise BrickError(
                f"They are not of one {name}: {', '.join(sorted(values))}.",
                remedy="Train them with one rank on one model; products of others do not fit.",
            )
    found = [content_of_brick(shop, manifest) for manifest in manifests]
    adapters = [content for content in found if isinstance(content, AdapterContent)]
    if len(adapters) != len(found):
        raise BrickError("Bricks of knowledge are not merged with adapters.")
    return adapters


def _merged(
    shop: Workshop,
    contents: Sequence[AdapterContent],
    weights: Sequence[float],
    recipe: Recipe,
    folder: Path,
) -> Adapter:
    places = sorted({place for content in contents for place in content.adapter.parts})
    for number, content in enumerate(contents):
        write_peft(padded(content.adapter, contents, places), folder / f"a{number}")
    request = {
        "model": str(shop.model),
        "adapters": [str(folder / f"a{number}") for number in range(len(contents))],
        "weights": list(weights),
        "combination": METHODS[recipe.method],
        "density": recipe.density if recipe.method in PRUNING else None,
        "rank": contents[0].adapter.rank,
        "seed": recipe.seed,
        "out": str(folder / "merged"),
    }
    run_module("services.bricks.operations.torch_merge", request, say=shop.say, refused=BrickError)
    return replace(read_peft(folder / "merged"), base=contents[0].adapter.base)


def padded(
    adapter: Adapter, contents: Sequence[AdapterContent], places: Sequence[tuple[int, str]]
) -> Adapter:
    """The same adapter with a product of zeros wherever only another one changes the model.

    PEFT takes the layers of the first adapter for the merged one, so that whatever the others
    change elsewhere would be lost without a word.
    """
    shapes = {place: pair for content in contents for place, pair in content.adapter.parts.items()}
    parts = {place: adapter.parts.get(place) or _zeros(shapes[place]) for place in places}
    return replace(adapter, parts=parts)


def _zeros(pair: Pair) -> Pair:
    down, up = (
        Tensor.of(np.zeros(factor.shape, np.float32), "F32") for factor in (pair.down, pair.up)
    )
    return Pair(down, up)


def share_kept(merged: Adapter, adapters: Sequence[Adapter], weights: Sequence[float]) -> float:
    """How much of the weighted sum of the products is in the merged one, 1 when all of it.

    One less the squared distance, relative to the squared length of the sum; 0 at the least.
    """
    missed = total = 0.0
    for place, pair in merged.parts.items():
        wanted = np.zeros((pair.up.shape[0], pair.down.shape[1]), np.float32)
        for adapter, weight in zip(adapters, weights, strict=True):
            if (delta := adapter.delta(*place)) is not None:
                wanted += np.float32(weight) * delta
        made = merged.delta(*place)
        missed += float(np.square(wanted - made).sum()) if made is not None else 0.0
        total += float(np.square(wanted).sum())
    return max(0.0, 1.0 - missed / total) if total else 0.0
