"""Rounds for tests: small changes of made-up nodes, an evaluator and a publisher that can fail."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from compliance.sealing import IdentityKey
from services.learning.aggregate import Factors
from services.learning.contribution import Privacy, write_contribution
from services.learning.gates import Scores
from services.learning.models import StoredContribution
from services.learning.policy import Policy
from services.learning.rounds import Candidate, Measured, Model, Release, Rounds
from services.store.database import Database

DOMAIN = "general"
POLICY = """
format: caretier-update-policy/1
domains:
  general:
    start: {contributions: 3, sites: 3, signals: 0, error_rate: 0, wait_days: 0}
    take: {rank: 2, modules: [q_proj, v_proj], max_norm: 50.0, epsilon: 8.0}
    aggregate: {rule: trimmed-mean, hostile: 1, max_lost: 1.0}
    release:
      suites: [learned]
      min_gain: 0.05
      protected: [protected]
      worse_by: 0.2
      safety: [safety]
      confidence: 0.95
      samples: 200
      items: 20
      shadow: 0
      approvals: 1
    rollout: {cohorts: [all], watch_minutes: 0, overrides: 0.1, abstentions: 0.1, referrals: 0.1,
              latency: 2, canaries: 0}
"""
GOOD = Measured(
    {
        "learned": Scores((0.0,) * 20, (0.0,) * 2 + (1.0,) * 18),
        "protected": Scores((1.0,) * 20, (1.0,) * 20),
        "safety": Scores((1.0,) * 20, (1.0,) * 20),
    }
)
"""What lets a candidate out."""
BAD = Measured({**GOOD.suites, "safety": Scores((1.0,) * 20, (0.0,) + (1.0,) * 19)})
"""One safety item got worse."""


class TinyModel:
    """A model of two small layers."""

    digest = "sha256:" + "a" * 64
    layers = 2

    def shape(self, projection: str) -> tuple[int, int]:
        """Outputs and inputs."""
        return {"q_proj": (6, 5), "v_proj": (4, 5)}[projection]


def a_change(seed: int, scale: float = 0.1, model: Model | None = None) -> dict[str, Factors]:
    """A change of rank two to every module."""
    random, model = np.random.default_rng(seed), model or TinyModel()
    made = {}
    for layer in range(model.layers):
        for projection in ("q_proj", "v_proj"):
            outputs, inputs = model.shape(projection)
            made[f"layers.{layer}.{projection}"] = Factors(
                (scale * random.normal(size=(outputs, 2))).astype(np.float32),
                random.normal(size=(2, inputs)).astype(np.float32),
            )
    return made


@dataclass
class FixedEvaluator:
    """Finds what it is told to find."""

    found: Measured = GOOD
    before: Callable[[Candidate], object] = lambda _candidate: None
    calls: int = 0

    def measure(self, candidate: Candidate) -> Measured:
        """See `services.learning.rounds.Evaluator`."""
        self.calls += 1
        self.before(candidate)
        return self.found


@dataclass
class FolderPublisher:
    """Publishes into a folder: one file a version, the same version again for the same digest."""

    folder: Path
    before: Callable[[Release], object] = lambda _release: None
    releases: list[Release] = field(default_factory=list)

    def publish(self, release: Release) -> str:
        """See `services.learning.rounds.Publisher`."""
        self.before(release)
        self.folder.mkdir(parents=True, exist_ok=True)
        release.candidate.still()
        for path in self.folder.glob("*.json"):
            if json.loads(path.read_text())["candidate"] == release.candidate.digest:
                return path.stem
        ref = f"{release.candidate.domain}@{len(list(self.folder.glob('*.json'))) + 1}"
        told = {"round": release.candidate.round, "candidate": release.candidate.digest}
        (self.folder / f"{ref}.json").write_text(json.dumps(told))
        self.releases.append(release)
        return ref

    @property
    def published(self) -> list[str]:
        """Every version that was published."""
        return sorted(path.stem for path in self.folder.glob("*.json"))


def contribute(
    database: Database,
    rounds: Rounds,
    key: IdentityKey,
    site: str,
    *,
    seed: int | None = None,
    model: Model | None = None,
    **changes: Any,
) -> str:
    """Store a contribution of a node as the intake would; returns its id."""
    now = rounds.standing(DOMAIN)
    fields = {
        "domain": DOMAIN,
        "base": model.digest if model else TinyModel.digest,
        "parent": now.parent,
        "epoch": now.epoch,
        "site": site,
        "examples": 40,
        "privacy": Privacy(mechanism="update", epsilon=2.0, delta=1e-5, clip=1.0, noise=1.0),
        **changes,
    }
    new = rounds.files.contribution("new")
    new.parent.mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32(site.encode()) if seed is None else seed
    made = write_contribution(new, fields, a_change(seed, model=model), key)
    path = new.rename(rounds.files.contribution(made.id))
    row = StoredContribution(
        id=made.id,
        domain=DOMAIN,
        epoch=made.epoch,
        key=made.key,
        site=site,
        state="waiting",
        manifest=made.model_dump_json(),
        bytes=path.stat().st_size,
        received=datetime.now(UTC),
    )
    with database.transaction() as session:
        session.add(row)
    return made.id


class Parent:
    """A parent with its tables and files below a folder, and its children's keys."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.database = Database(more.pop("url", f"sqlite:///{folder}/parent.db"))
        self.database.migrate("services.learning")
        self.folder = folder
        self.keys: dict[str, IdentityKey] = {}
        self.evaluator = FixedEvaluator()
        self.publisher = FolderPublisher(folder / "published")
        path = folder / "policy.yaml"
        path.write_text(more.pop("policy", POLICY), encoding="utf-8")
        self.rounds = Rounds(
            self.database,
            folder / "learning",
            Policy.load(path),
            self.evaluator,
            self.publisher,
            model=TinyModel,
            signer=lambda key: self.keys[key].public if key in self.keys else None,
            **more,
        )

    def contribute(self, site: str, seed: int | None = None, **changes: Any) -> str:
        """Store a contribution of a site as the intake would; returns its id."""
        key = IdentityKey.generate()
        self.keys[key.public.fingerprint] = key
        return contribute(self.database, self.rounds, key, site, seed=seed, **changes)

    def contribution(self, id_: str) -> StoredContribution:
        """A contribution's row."""
        with self.database.reading() as session:
            return session.get_one(StoredContribution, id_)

    def withdraw(self, id_: str) -> None:
        """Take a contribution back."""
        with self.database.transaction() as session:
            row = session.get_one(StoredContribution, id_)
            row.state = "withdrawn"

    def three(self) -> list[str]:
        """Contributions of three sites."""
        return [self.contribute(f"site-{n}", seed=n) for n in range(3)]

    def close(self) -> None:
        """Close the database."""
        self.database.close()
