"""Publish a candidate that people let through, as a signed brick."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.bricks.adapters.base import Base
from services.bricks.manifest import BrickManifest, Level, Role
from services.bricks.repository.repository import Repository
from services.bricks.store import BrickStore
from services.learning.errors import RoundBlockedError
from services.learning.evaluate.forms import GGUF, PEFT, Made, forms
from services.learning.publish.lineage import FILE, Origin, evaluations, lineage_of, whole
from services.learning.publish.sign import Signer, Signing
from services.learning.rounds.files import EVIDENCE
from services.learning.rounds.ports import Candidate, Release

LICENCE = "Apache-2.0"
"""That of the embedded model, which an adapter is a work upon."""
NAME_CHARS = 48


def brick_of(domain: str, tier: str = "") -> str:
    """Name of the brick that a domain's releases are versions of; ``tier`` of a smaller one's."""
    end = f"-{tier}" if tier else ""
    return f"learned-{domain}"[: NAME_CHARS - len(end)].rstrip("-") + end


class BrickPublisher:
    """Publishes candidates.

    Args:
        repository: the signed one of this hospital.
        store: its bricks.
        signer: gives the keys at hand when something is signed.
        model: gives the file of the model that adapters belong to.
        level: the tier from which on upwards a release is used: clinics, and this hospital.
        licence: of releases.
    """

    def __init__(
        self,
        repository: Repository,
        store: BrickStore,
        signer: Signer,
        *,
        model: Callable[[], Path],
        level: Level = "clinic",
        licence: str = LICENCE,
    ) -> None:
        self._signing = Signing(repository, store, signer)
        self._store, self._model = store, model
        self._level: Level = level
        self._licence = licence

    def publish(self, release: Release) -> str:
        """Publish, and return ``id@version``; the same candidate again is the same version.

        Nothing is visible before the last step. Whoever dies leaves at most a brick in the store
        that nobody is offered; the next attempt finds it and goes on with it.

        Raises:
            RoundBlockedError: there is no repository, its keys are not at hand, or the adapter is
                not the one that was measured.
            FencedOffError: somebody else works on the round by now; nothing was published.
        """
        candidate = release.candidate
        keys = self._signing.keys(self._level, candidate.domain)
        made = forms(candidate, Base.of(self._model()), self._store)
        _expect_measured(candidate, made)
        with self._signing.alone():
            manifest = self._brick(release, made)
            candidate.still()
            self._signing.sign(manifest, keys)
        return manifest.ref

    def _brick(self, release: Release, made: Made) -> BrickManifest:
        """The brick of a candidate: the one that an earlier attempt made, or a new version."""
        candidate, name = release.candidate, brick_of(release.candidate.domain)
        published = {manifest.ref for manifest in self._signing.published()}
        for manifest in self._store.manifests(name):
            origin = Origin.of(manifest)
            if origin is None or origin.round != candidate.round:
                continue
            if origin.made(candidate):
                return manifest
            if manifest.ref not in published:  # of a candidate that was made anew since
                self._store.remove(manifest.ref)
        return self._make(release, made, name)

    def _make(self, release: Release, made: Made, name: str) -> BrickManifest:
        candidate, now = release.candidate, datetime.now(UTC)
        rule = candidate.policy.aggregate.rule.value
        fields = {
            "id": name,
            "version": self._signing.next_version(name),
            "title": f"Learned in {candidate.domain}, release {candidate.epoch + 1}",
            "level": self._level,
            "domain": candidate.domain,
            "base": candidate.base,
            "rank": made.rank,
            "licence": self._licence,
            "created": now,
            "lineage": lineage_of(release, rule).model_dump(),
            "evaluations": [
                one.model_dump() for one in evaluations(release.evidence.suites, now.date())
            ],
        }
        return adapter_brick(self._store, fields, candidate.folder, whole(release, rule, now))


def adapter_brick(
    store: BrickStore, fields: Mapping[str, Any], folder: Path, lineage: str
) -> BrickManifest:
    """Make a brick of an adapter in both forms, with the file that tells where it comes from.

    Args:
        store: takes it in.
        fields: of the manifest, all but kind and languages.
        folder: with both forms (`services.learning.evaluate.forms`).
        lineage: text of that file.
    """
    with TemporaryDirectory(dir=folder, prefix=".brick-") as draft:
        told = Path(draft) / FILE
        told.write_text(lineage, encoding="utf-8")
        files: dict[str, tuple[Path, Role]] = {GGUF: (folder / GGUF, "gguf"), FILE: (told, "card")}
        for path in sorted((folder / PEFT).iterdir()):
            files[f"peft/{path.name}"] = (path, "peft")
        return store.make({**fields, "kind": "adapter", "languages": ["en", "es"]}, files)


def _expect_measured(candidate: Candidate, made: Made) -> None:
    """Refuse an adapter that is not the very file that was measured."""
    path = candidate.folder / EVIDENCE
    notes = json.loads(path.read_text(encoding="utf-8")).get("notes", {}) if path.is_file() else {}
    if notes.get("adapter", made.digest) != made.digest:
        raise RoundBlockedError(
            "The adapter is not the one that was measured.",
            remedy="Reject the candidate, or retry the round, so that it is measured again.",
        )
