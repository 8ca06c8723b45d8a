"""The TUF client of a node: python-tuf with our sources, our limits and our errors."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.api.metadata import Metadata, Root, TargetFile, Targets, Timestamp
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from compliance.audit.files import replace_synced, sync_folder
from services.bricks.channels import CHANNELS, ROLE, Channels
from services.bricks.errors import BrickDamagedError, BrickError, BrickUntrustedError
from services.bricks.manifest import MAX_MANIFEST, BrickManifest
from services.bricks.revocation import parse_revocations
from services.bricks.updater.catalogue import REVOKED, Catalogue, Entry, entry_of, is_manifest
from services.bricks.updater.limits import Limits
from services.bricks.updater.said import reason, said
from services.bricks.updater.source import Source

_log = logging.getLogger(__name__)
_GONE = frozenset({403, 404})


class Client:
    """What a node knows of a repository, on the disk, and how it learns more.

    Args:
        folder: of ``root.json``, the root trusted from the start, and of the metadata seen so far.
            One process at a time.
        source: where the repository is.
        limits: of what is taken from it.
    """

    def __init__(self, folder: Path, source: Source, limits: Limits) -> None:
        self.folder, self.source, self._limits = folder, source, limits
        self._tuf: Updater | None = None

    @property
    def seen(self) -> Path:
        """Folder of the metadata that held."""
        return self.folder / "seen"

    @property
    def trusts(self) -> bool:
        """Whether a root is trusted yet; one whose file is damaged is not."""
        try:
            _check_root((self.folder / "root.json").read_bytes())
        except (FileNotFoundError, BrickUntrustedError):
            return False
        return True

    def trust(self, root: bytes) -> None:
        """Trust a root from now on; who calls this knows that it is the right one.

        Raises:
            BrickUntrustedError: it is no root that is signed by its own keys, or another repository
                is trusted here already.
        """
        _check_root(root)
        place = self.folder / "root.json"
        if not self.trusts:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_synced(place, root)
            sync_folder(self.folder)
        elif place.read_bytes() != root:
            raise BrickUntrustedError(
                "Another root is trusted here already; it follows the repository's changes of keys"
                " by itself.",
                remedy=f"To change over to another repository, move {self.folder} away first.",
            )

    def refresh(
        self, homes: Mapping[str, str] = MappingProxyType({}), node: str | None = None
    ) -> Catalogue:
        """Fetch what is new and check all of it.

        Args:
            homes: of the bricks that this node knows, by id.
            node: whose turn counts where versions are offered by turns.

        Raises:
            BrickUntrustedError: the repository's metadata does not hold, or no root is trusted yet.
            RepositoryAwayError: it could not be asked.
        """
        with said("The repository was not taken as it is."):
            tuf = self._tuf = self._open()
            tuf.refresh()
            revoked = self._revoked()
            left_out, unreached = self._load_roles(tuf)
            channels = self._channels(left_out)
            paths = self._paths(left_out)
            entries = (entry for path in paths if (entry := _entry(tuf, path)) is not None)
            signed = tuple(entries)
            self._forget({REVOKED, CHANNELS, *(entry.path for entry in signed)})
            stamp = Metadata[Timestamp].from_file(str(self.seen / "timestamp.json")).signed
            return Catalogue(
                signed=signed,
                revoked=revoked,
                left_out=left_out,
                unreached=unreached,
                expires=stamp.expires,
                homes=homes,
                channels=channels,
                node=node,
            )

    def manifest(self, entry: Entry) -> BrickManifest:
        """The manifest that an entry of the last `refresh` stands for.

        Raises:
            BrickUntrustedError: it is not what is signed, or says to be another brick.
            RepositoryAwayError: it could not be fetched.
        """
        raw = self.target(entry.target, MAX_MANIFEST)
        try:
            manifest = BrickManifest.parse(raw)
        except BrickError as error:
            raise BrickUntrustedError(f"The manifest of {entry.ref} is no good. {error}") from None
        said_to_be = (entry.ref, entry.level, entry.domain)
        if (manifest.ref, manifest.level, manifest.domain) != said_to_be:
            raise BrickUntrustedError(f"The manifest at {entry.path} is of another brick.")
        if manifest.canonical() != raw:
            raise BrickUntrustedError(
                f"The manifest of {entry.ref} is not spelled as it has to be."
            )
        return manifest

    def target(self, target: TargetFile, limit: int) -> bytes:
        """The bytes of a signed target, fetched unless they are here and whole.

        Args:
            target: as it is signed.
            limit: how long it may be in bytes, whatever is signed.

        Raises:
            BrickUntrustedError: they are not what is signed, or too many.
            RepositoryAwayError: they could not be fetched.
        """
        if self._tuf is None:
            raise BrickError("Nothing was fetched of the repository yet.")
        if target.length > limit:
            raise BrickUntrustedError(f"{target.path} is longer than {limit} bytes.")
        with said(f"{target.path} could not be fetched."):
            tuf = self._tuf
            path = tuf.find_cached_target(target) or tuf.download_target(target)
            return Path(path).read_bytes()

    def revoked_list(self) -> tuple[TargetFile, bytes] | None:
        """The list of what was taken back, as the top role signed it, if there is one.

        Raises:
            BrickUntrustedError, RepositoryAwayError: see `target`.
        """
        target = _targets(self.seen / "targets.json").targets.get(REVOKED)
        return (target, self.target(target, self._limits.targets_bytes)) if target else None

    def channels_list(self) -> tuple[TargetFile, bytes] | None:
        """The list of channels, as its role signed it, if there is one.

        Raises:
            BrickUntrustedError, RepositoryAwayError: see `target`.
        """
        target = self._tuf.get_targetinfo(CHANNELS) if self._tuf is not None else None
        return (target, self.target(target, self._limits.targets_bytes)) if target else None

    def roles(self) -> Iterator[tuple[str, bytes]]:
        """The files of the roles that were seen: snapshot, targets, and delegated ones by name."""
        for role in ("snapshot", "targets", *sorted({name for name, _ in self._roles()})):
            path = self.seen / f"{quote(role, '')}.json"
            if path.is_file():
                yield role, path.read_bytes()

    def old_root(self, version: int) -> bytes | None:
        """A root from before the trusted one, unchecked: for nodes that know it, to go on from.

        Raises:
            RepositoryAwayError: it could not be fetched.
        """
        path = f"metadata/{version}.root.json"
        with said("An earlier root could not be fetched."):
            try:
                return self.source.download_bytes(path, self._limits.root_bytes)
            except DownloadHTTPError as error:
                if error.status_code in _GONE:
                    return None
                raise

    def _open(self) -> Updater:
        if not self.trusts:
            raise BrickUntrustedError(
                "No repository is trusted here yet.",
                remedy="Enrol this node, or name the root: `caretier bricks pull --root FILE`.",
            )
        for folder in (self.seen, self.folder / "targets"):
            folder.mkdir(parents=True, exist_ok=True)
        for draft in self.seen.glob("tmp*"):  # of a run that was killed
            draft.unlink()
        limits = self._limits
        return Updater(
            str(self.seen),
            "metadata",
            str(self.folder / "targets"),
            "targets",
            fetcher=self.source,
            config=UpdaterConfig(
                max_root_rotations=limits.root_rotations,
                max_delegations=limits.delegations,
                root_max_length=limits.root_bytes,
                timestamp_max_length=limits.timestamp_bytes,
                snapshot_max_length=limits.snapshot_bytes,
                targets_max_length=limits.targets_bytes,
            ),
            bootstrap=(self.folder / "root.json").read_bytes(),
        )

    def _load_roles(self, tuf: Updater) -> tuple[dict[str, str], frozenset[str]]:
        """Load every delegated role; return those left out, why, and which did not come at all."""
        left_out: dict[str, str] = {}
        unreached: set[str] = set()
        for role, probe in self._roles():
            try:
                tuf.get_targetinfo(probe)
            except RepositoryError as error:
                left_out[role] = reason(error)
            except DownloadError as error:
                left_out[role] = "It could not be fetched."
                if not (isinstance(error, DownloadHTTPError) and error.status_code in _GONE):
                    unreached.add(role)
            if role in left_out:
                _log.warning("The role %s is left out. %s", role, left_out[role])
        return left_out, frozenset(unreached)

    def _roles(self) -> Iterator[tuple[str, str]]:
        """Delegated roles, each with a path for which it would be asked."""
        delegations = _targets(self.seen / "targets.json").delegations
        for role in (delegations.roles or {}).values() if delegations else ():
            for pattern in role.paths or ():
                yield role.name, pattern.replace("*", "-").replace("?", "-")

    def _paths(self, left_out: Collection[str]) -> list[str]:
        """Paths of manifests that the files seen name, in order; a hint, nothing more."""
        found: set[str] = set()
        for name in {"targets", *(role for role, _ in self._roles())} - set(left_out):
            path = self.seen / f"{quote(name, '')}.json"
            if path.is_file():
                found.update(filter(is_manifest, _targets(path).targets))
        return sorted(found)

    def _forget(self, named: Collection[str]) -> None:
        """Delete targets that the repository does not offer any more."""
        kept = {quote(path, "") for path in named}
        for path in (self.folder / "targets").iterdir():
            if path.name not in kept:
                path.unlink()

    def _channels(self, left_out: dict[str, str]) -> Channels | None:
        """Who is offered what; None where the repository says so, and it is not to be had.

        Then nothing new is taken, and what was taken back still goes out of use.
        """
        if ROLE not in {role for role, _ in self._roles()}:
            return Channels()
        try:
            held = self.channels_list() if ROLE not in left_out else None
            return Channels.parse(held[1]) if held else None
        except BrickError as error:
            left_out[ROLE] = error.message
            _log.warning("Who is offered what is not known. %s", error.message)
            return None

    def _revoked(self) -> dict[str, str]:
        held = self.revoked_list()
        if held is None:
            return {}
        try:
            listed = parse_revocations(held[1])
        except BrickDamagedError as error:
            raise BrickUntrustedError(error.message) from None
        return {revocation.ref: revocation.reason for revocation in listed}


def _entry(tuf: Updater, path: str) -> Entry | None:
    try:
        target = tuf.get_targetinfo(path)
    except (RepositoryError, DownloadError):
        return None  # a role before the one that names it does not hold
    return entry_of(target) if target is not None else None


def _targets(path: Path) -> Targets:
    return Metadata[Targets].from_file(str(path)).signed


def _check_root(raw: bytes) -> None:
    with said("This root cannot be trusted."):
        held = Metadata[Root].from_bytes(raw)
        if held.signed.type != Root.type:
            raise BrickUntrustedError("This is not the root of a repository.")
        held.signed.verify_delegate(Root.type, held.signed_bytes, held.signatures)
