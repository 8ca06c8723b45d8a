"""Publish a candidate that people let through, as a signed brick."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from services.bricks.adapters.base import Base
from services.bricks.channels import Line
from services.bricks.errors import BrickUnknownError
from services.bricks.manifest import BrickManifest, Level, Role
from services.bricks.repository.channels import bring, channels_of, has_channels
from services.bricks.repository.edition import ONLINE
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.layout import role_of
from services.bricks.repository.publish import publish
from services.bricks.repository.repository import Repository
from services.bricks.store import BrickStore
from services.learning.errors import RoundBlockedError
from services.learning.evaluate.forms import GGUF, PEFT, Made, forms
from services.learning.publish.lineage import FILE, Origin, evaluations, lineage_of, whole
from services.learning.rounds.files import EVIDENCE
from services.learning.rounds.ports import Candidate, Release

LICENCE = "Apache-2.0"
"""That of the embedded model, which an adapter is a work upon."""
Signer = Callable[[], KeyRing]
"""Gives the keys at hand."""


def brick_of(domain: str) -> str:
    """Name of the brick that a domain's releases are versions of."""
    return f"learned-{domain}"[:48].rstrip("-")


class BrickPublisher:
    """Publishes candidates.

    Args:
        repository: the signed one of this hospital.
        store: its bricks.
        signer: gives the keys at hand when something is signed.
        model: gives the file of the model that adapters belong to.
        level: the tiers from which on the release is used: clinics, and this hospital.
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
        self._repository, self._store, self._signer = repository, store, signer
        self._model, self._level, self._licence = model, level, licence

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
        keys = self._keys(candidate)
        made = forms(candidate, Base.of(self._model()), self._store)
        _expect_measured(candidate, made)
        with self._alone():
            manifest = self._brick(release, made)
            candidate.still()
            try:
                self._hold_back(manifest.id, keys)
                publish(self._repository, self._store, keys, manifest.ref)
            except (RepositoryKeyError, BrickUnknownError) as error:
                raise _unsigned(error.message) from error
        return manifest.ref

    def _keys(self, candidate: Candidate) -> KeyRing:
        """The keys, if they are enough; said before any work is done."""
        role = role_of(self._level, candidate.domain)
        try:
            keys, edition = self._signer(), self._repository.read()
            if role not in edition.delegations():
                raise RoundBlockedError(
                    f"Nobody may sign bricks of {self._level}/{candidate.domain}.",
                    remedy=f"`caretier bricks repository delegate {self._level}"
                    f" {candidate.domain}`, then retry the round.",
                )
            edition.demand(keys, role, *ONLINE)
        except BrickUnknownError as error:
            raise RoundBlockedError(
                "There is no signed repository to publish into.",
                remedy="Make one with `caretier bricks repository init`, then retry the round.",
            ) from error
        except RepositoryKeyError as error:
            raise _unsigned(error.message) from error
        return keys

    def _brick(self, release: Release, made: Made) -> BrickManifest:
        """The brick of a candidate: the one that an earlier attempt made, or a new version."""
        candidate, name = release.candidate, brick_of(release.candidate.domain)
        published = {m.ref for m in self._repository.manifests()}
        for manifest in self._store.manifests(name):
            origin = Origin.of(manifest)
            if origin is None or origin.round != candidate.round:
                continue
            if origin.made(candidate):
                return manifest
            if manifest.ref not in published:  # of a candidate that was made anew since
                self._store.remove(manifest.ref)
        versions = [
            m.version
            for m in (*self._repository.manifests(), *self._store.manifests(name))
            if m.id == name
        ]
        return self._make(release, made, name, max(versions, default=0) + 1)

    def _make(self, release: Release, made: Made, name: str, version: int) -> BrickManifest:
        candidate, now = release.candidate, datetime.now(UTC)
        rule = candidate.policy.aggregate.rule.value
        fields = {
            "id": name,
            "version": version,
            "kind": "adapter",
            "title": f"Learned in {candidate.domain}, release {candidate.epoch + 1}",
            "level": self._level,
            "languages": ["en", "es"],
            "domain": candidate.domain,
            "base": candidate.base,
            "rank": made.rank,
            "licence": self._licence,
            "created": now,
            "lineage": lineage_of(release, rule).model_dump(),
            "evaluations": [
                e.model_dump() for e in evaluations(release.evidence.suites, now.date())
            ],
        }
        with TemporaryDirectory(dir=candidate.folder, prefix=".brick-") as draft:
            told = Path(draft) / FILE
            told.write_text(whole(release, rule, now), encoding="utf-8")
            files: dict[str, tuple[Path, Role]] = {
                GGUF: (candidate.folder / GGUF, "gguf"),
                FILE: (told, "card"),
            }
            for path in sorted((candidate.folder / PEFT).iterdir()):
                files[f"peft/{path.name}"] = (path, "peft")
            return self._store.make(fields, files)

    def _hold_back(self, name: str, keys: KeyRing) -> None:
        """Offer the brick to nobody until a rollout does, where nodes are told apart.

        A brick without a line is offered to all: this comes before its first version is there.
        """
        edition = self._repository.read()
        if has_channels(edition) and name not in channels_of(self._repository, edition).bricks:
            bring(self._repository, keys, lambda: {name: Line()})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One publication at a time, so that no two candidates take one version."""
        self._store.folder.mkdir(parents=True, exist_ok=True)
        with (self._store.folder / ".publishing.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _expect_measured(candidate: Candidate, made: Made) -> None:
    """Refuse an adapter that is not the very file that was measured."""
    path = candidate.folder / EVIDENCE
    notes = json.loads(path.read_text(encoding="utf-8")).get("notes", {}) if path.is_file() else {}
    if notes.get("adapter", made.digest) != made.digest:
        raise RoundBlockedError(
            "The adapter is not the one that was measured.",
            remedy="Reject the candidate, or retry the round, so that it is measured again.",
        )


def _unsigned(reason: str) -> RoundBlockedError:
    return RoundBlockedError(
        f"It cannot be signed: {reason}",
        remedy="Put the keys into publisher-keys of the hospital's folder, name the file with their"
        " passphrase (CARETIER_REPOSITORY_PASSPHRASE_FILE), then retry the round.",
    )
