"""Bringing bricks here: fetched, checked, put in use at one stroke.

    updater = Updater(data / "bricks", source)
    updater.client.trust(root)                       # once
    done = updater.pull("heart-style")               # or heart-style@3
    done.moved, done.size, done.model                # bytes over the line, of it, of its model
    updater.update("device", ("en",))                # whatever is new of what is in use

Nothing changes what is in use until everything of a version is in the store and has been read
through its digest; the switch is one file replaced by another (`installed`). Whatever fails before
leaves the old version in use, and what was fetched so far.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compliance.errors import CaretierError
from services.bricks.errors import (
    BrickDamagedError,
    BrickError,
    BrickRevokedError,
    BrickUnknownError,
)
from services.bricks.manifest import BrickFile, BrickKind, BrickManifest, Level, split_ref
from services.bricks.sizes import model_size
from services.bricks.store import BrickStore
from services.bricks.updater.catalogue import Catalogue
from services.bricks.updater.channel import is_sent, returning, withdrawn_here
from services.bricks.updater.client import Client
from services.bricks.updater.download import Downloads, Progress, silent
from services.bricks.updater.installed import Installed
from services.bricks.updater.limits import Limits
from services.bricks.updater.source import Source

_log = logging.getLogger(__name__)
BY_THEMSELVES: frozenset[BrickKind] = frozenset({"knowledge", "policy"})
"""Kinds that a node takes without being asked; models and adapters are chosen for a node, by its
operator or by the channel that brings them."""
LEVELS: dict[str, tuple[Level, ...]] = {
    "device": ("device",),
    "clinic": ("device", "clinic"),
    "hospital": ("device", "clinic", "hospital"),
}
"""The levels whose bricks a tier uses: its own and those below."""


@dataclass(frozen=True)
class Pulled:
    """What a pull came to.

    Attributes:
        ref: now in use.
        before: the version in use before, if any.
        moved: bytes of files fetched for it; 0 when all were here.
        size: bytes of all its files.
        model: bytes of the model that it stands on, or None where that is not known here.
    """

    ref: str
    before: int | None
    moved: int
    size: int
    model: int | None


class Updater:
    """Keeps the bricks of a node up to date.

    Args:
        folder: of the node's bricks: its store, what is in use, what it trusts.
        source: where the repository is.
        limits: of time and size.
        progress: is told how far a file is.
        tidy: whether versions go that nothing brings back; not where bricks are made.
        node: fingerprint of the clinic whose turn counts where versions come by turns; None takes
            them when they are for all.
    """

    def __init__(
        self,
        folder: Path,
        source: Source,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        progress: Progress = silent,
        *,
        tidy: bool = True,
        node: str | None = None,
    ) -> None:
        self.folder = folder
        self.store, self.installed = BrickStore(folder), Installed(folder)
        self.client = Client(folder / "trust", source, limits)
        self._downloads = Downloads(folder / "parts", source, limits, progress)
        self._tidies, self._node = tidy, node
        self.failed: dict[str, str] = {}
        """Why each brick that the last `update` failed at did."""

    def check(self) -> Catalogue:
        """See what the repository offers; what it took back goes out of use at once.

        Raises:
            BrickUntrustedError: its metadata does not hold; nothing was changed.
            RepositoryAwayError: it could not be asked; nothing was changed.
        """
        with self._alone():
            return self._check()

    def pull(self, wanted: str) -> Pulled:
        """Fetch a brick and put it in use.

        Args:
            wanted: its id, for the highest version that may be used here, or ``id@version``.

        Raises:
            BrickUnknownError: the repository does not offer it.
            BrickRevokedError: it was taken back.
            BrickUntrustedError, RepositoryAwayError: see `check`.
            BrickError: it is lower than what was in use, put aside, or another one is pinned.
        """
        with self._alone():
            catalogue = self._check()
            return self._install(catalogue, self._resolve(catalogue, wanted))

    def foresee(self, wanted: str) -> Pulled:
        """What `pull` would come to; nothing is fetched but what describes the brick.

        Raises:
            BrickUnknownError, BrickRevokedError, BrickUntrustedError, RepositoryAwayError,
            BrickError: see `pull`.
        """
        with self._alone():
            catalogue = self._check()
            ref = self._resolve(catalogue, wanted)
            self._admit(catalogue, ref)
            manifest = self.client.manifest(catalogue.entry(ref))
            lacking = sum(file.size for file in self._lacking(manifest))
            return self._pulled(manifest, self._before(ref), lacking)

    def roll_back(self, ref: str, reason: str) -> Pulled:
        """Put a lower version in use, which is fetched where it is not here any more.

        Raises:
            BrickRevokedError, BrickError: see `Installed.roll_back`.
            BrickUnknownError, BrickUntrustedError, RepositoryAwayError: see `pull`.
        """
        with self._alone():
            before = self._downloads.moved
            try:
                self.store.verify(ref)
            except (BrickUnknownError, BrickDamagedError):
                self._bring(self._check(), ref)
            was = self._before(ref)
            self.installed.roll_back(ref, reason)
            return self._pulled(self.store.get(ref), was, self._downloads.moved - before)

    def update(self, level: str, languages: Collection[str]) -> list[Pulled]:
        """Bring what is in use up to date, and take new knowledge and policies of this tier.

        What is in use and damaged is mended. One brick that fails holds up no other; it is tried
        the next time, and `failed` says why.

        Raises:
            BrickUntrustedError, RepositoryAwayError: see `check`.
        """
        with self._alone():
            catalogue = self._check()
            self.failed = {}
            done = self._returned(catalogue)
            for brick in self._wanted(catalogue, level):
                try:
                    ref = self._choose(catalogue, brick)
                    if self._is_damaged(ref) or self._is_new(catalogue, ref, languages):
                        done.append(self._install(catalogue, ref))
                except CaretierError as error:
                    self.failed[brick] = error.message
                    _log.warning("%s was not updated: %s", brick, error.message)
            return done

    def _returned(self, catalogue: Catalogue) -> list[Pulled]:
        """Bring what all have to where nothing is left of a brick that was rolled back."""
        done: list[Pulled] = []
        for ref, why in returning(self.installed, catalogue.channels).items():
            try:
                fetched = self._downloads.moved
                manifest = self._bring(catalogue, ref)
                self.installed.roll_back(ref, why)
                done.append(self._pulled(manifest, None, self._downloads.moved - fetched))
            except CaretierError as error:
                _log.warning("%s did not come back: %s", ref, error.message)
        return done

    def _check(self) -> Catalogue:
        catalogue = self.client.refresh(self.installed.state().homes(), self._node)
        for ref in self.installed.revoke(catalogue.revoked):
            _log.warning("%s was taken back by its publisher and is not used any more.", ref)
        for ref in withdrawn_here(self.installed, catalogue.channels):
            _log.warning("%s was rolled back and is not used any more.", ref)
        return catalogue

    def _resolve(self, catalogue: Catalogue, wanted: str) -> str:
        return wanted if "@" in wanted else self._choose(catalogue, wanted)

    def _choose(self, catalogue: Catalogue, brick: str) -> str:
        """The highest version that may be put in use here; the pinned one where one is."""
        state = self.installed.state()
        if (pinned := state.of(brick).pinned) is not None:
            return f"{brick}@{pinned}"
        latest = catalogue.latest(brick)
        refs = [f"{brick}@{version}" for version in reversed(catalogue.versions(brick))]
        return next((ref for ref in refs if state.obstacle(ref) is None), latest)

    def _wanted(self, catalogue: Catalogue, level: str) -> Sequence[str]:
        """Ids that are offered and were once in use here, or are of this tier's levels."""
        offered = {
            split_ref(ref)[0]
            for ref, entry in catalogue.entries.items()
            if entry.level in LEVELS[level]
        }
        known = {brick for brick, now in self.installed.state().bricks.items() if now.highest}
        return sorted(brick for brick in known | offered if catalogue.versions(brick))

    def _is_new(self, catalogue: Catalogue, ref: str, languages: Collection[str]) -> bool:
        """Whether an update is to put this version in use."""
        brick, version = split_ref(ref)
        state = self.installed.state()
        now = state.of(brick)
        if now.dropped or version == now.active or state.obstacle(ref) is not None:
            return False
        if now.highest:
            return True
        manifest = self.client.manifest(catalogue.entry(ref))
        comes = manifest.kind in BY_THEMSELVES or is_sent(catalogue.channels, brick)
        return comes and bool(set(manifest.languages) & set(languages))

    def _is_damaged(self, ref: str) -> bool:
        """Whether a version is in use, but not whole."""
        if self._before(ref) != split_ref(ref)[1]:
            return False
        try:
            self.store.verify(ref)
        except (BrickUnknownError, BrickDamagedError):
            return True
        return False

    def _install(self, catalogue: Catalogue, ref: str) -> Pulled:
        fetched = self._downloads.moved
        self._admit(catalogue, ref)
        manifest = self._bring(catalogue, ref)
        before = self._before(ref)
        self.installed.activate(ref, catalogue.entry(ref).home)
        _log.info("%s is in use now; before it %s.", ref, before or "none")
        self._tidy(manifest.id)
        return self._pulled(manifest, before, self._downloads.moved - fetched)

    def _admit(self, catalogue: Catalogue, ref: str) -> None:
        """Refuse what may not be put in use here, before anything of it is fetched."""
        catalogue.entry(ref)
        if ref in catalogue.revoked:
            raise BrickRevokedError(f"{ref} was taken back: {catalogue.revoked[ref]}")
        if (obstacle := self.installed.permits(ref)) is not None:
            raise BrickError(
                obstacle,
                remedy=f"An operator can take it all the same: `caretier bricks rollback {ref}`.",
            )

    def _before(self, ref: str) -> int | None:
        return self.installed.active().get(split_ref(ref)[0])

    def _bring(self, catalogue: Catalogue, ref: str) -> BrickManifest:
        """Bring a version into the store, whole; damaged files that are here are mended."""
        manifest = self.client.manifest(catalogue.entry(ref))
        try:
            self.store.get(ref)
        except BrickUnknownError:
            pass
        except BrickDamagedError:
            self.store.remove(ref)
        lacking = self._lacking(manifest)
        self._downloads.clear(keep=frozenset(file.digest for file in lacking))
        self.store.add(manifest, {file.name: self._downloads.fetch(file) for file in lacking})
        self._downloads.clear()
        return manifest

    def _lacking(self, manifest: BrickManifest) -> list[BrickFile]:
        """One file for each content that is not here and whole."""
        files = {file.digest: file for file in manifest.files}.values()
        return [file for file in files if not self.store.blobs.whole(file.digest, file.size)]

    def _tidy(self, brick: str) -> None:
        """Delete versions that nothing brings back: all but that in use, the last good, the pin."""
        if not self._tidies:
            return
        now = self.installed.state().of(brick)
        kept = {now.active, now.good, now.pinned}
        for ref in self.store.refs(brick):
            if split_ref(ref)[1] not in kept and split_ref(ref)[1] < now.highest:
                try:
                    self.store.remove(ref)
                except BrickError as error:
                    _log.warning("%s stays on the disk: %s", ref, error.message)

    def _pulled(self, manifest: BrickManifest, before: int | None, moved: int) -> Pulled:
        model = model_size(manifest, self.store.manifests())
        return Pulled(manifest.ref, before, moved, manifest.size, model)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One update at a time on a node.

        Raises:
            BrickError: another one runs.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".updating").open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BrickError(
                    "Another update runs on this node.", remedy="Wait until it has ended."
                ) from None
            yield
