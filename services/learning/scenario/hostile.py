"""Changes that a site did not train as it says: made longer, or another one's, signed by itself."""

from __future__ import annotations

from uuid import uuid4

import numpy as np
from safetensors.numpy import load_file

from services.learning.aggregate import Delta, Factors
from services.learning.contribution import (
    ContributionManifest,
    length_of,
    read_manifest,
    write_contribution,
)
from services.learning.scenario.clinic import Clinic

SAME = {"domain", "base", "parent", "epoch", "examples", "privacy", "metrics"}


def waiting_of(clinic: Clinic) -> tuple[ContributionManifest, dict[str, Factors]]:
    """The contribution of a site that waits to be sent."""
    tensors = load_file(clinic.waiting())
    modules = sorted({name.rpartition(".")[0] for name in tensors})
    delta = {m: Factors(tensors[f"{m}.up"], tensors[f"{m}.down"]) for m in modules}
    return read_manifest(clinic.waiting())[0], delta


def scaled(delta: Delta, length: float) -> dict[str, Factors]:
    """A change made so long."""
    share = length / length_of(delta)
    return {m: Factors((share * f.up).astype(np.float32), f.down) for m, f in delta.items()}


def offer(clinic: Clinic, like: ContributionManifest, delta: Delta) -> None:
    """Let a change wait to be sent in the place of what waits there, signed with the site's key."""
    for path in clinic.learner.outbox.waiting():
        path.unlink()
    id_ = str(uuid4())
    fields = like.model_dump(include=SAME) | {"id": id_, "site": clinic.learner.site}
    write_contribution(clinic.learner.outbox.place(id_), fields, delta, clinic.key)
