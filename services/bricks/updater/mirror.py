"""A copy of a repository for the nodes below: whole, or as it was.

    mirror = Mirror(data / "mirror", ("device", "clinic"))
    mirror.sync(client, downloads)          # what is new, checked, then shown at one stroke

A clinic signs nothing: it hands on what the publisher signed, so the devices check it as if they
had asked the repository itself. The files of a new state come first; all of them carry a number or
a digest in their names and disturb nobody. ``timestamp.json`` comes last, and with it the new state
is there. Whoever is in the middle of the old one fails, and tries again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tuf.api.metadata import Metadata, TargetFile

from services.bricks.blobs import digest_of
from services.bricks.channels import CHANNELS
from services.bricks.errors import RepositoryAwayError
from services.bricks.manifest import BrickFile
from services.bricks.repository.layout import REVOKED, Layout
from services.bricks.updater.catalogue import Catalogue, Entry
from services.bricks.updater.client import Client
from services.bricks.updater.download import Downloads

LOOK_AGAIN_SECONDS = 24 * 3600.0
"""Age of a look at a file's content from which it is read through its digest once more."""
_ROOT = re.compile(r"([1-9][0-9]*)\.root\.json")


@dataclass(frozen=True)
class Synced:
    """What a sync came to: bytes fetched, files deleted, and bricks that are handed on now."""

    moved: int
    deleted: int
    refs: tuple[str, ...]


class Mirror:
    """The copy that a clinic gives to its devices.

    Args:
        folder: of the copy; laid out as a repository is.
        levels: of the bricks that are handed on.
    """

    def __init__(self, folder: Path, levels: Collection[str]) -> None:
        self.layout = Layout(folder)
        self._levels = frozenset(levels)
        self._looked: dict[Path, float] = {}

    def sync(self, client: Client, downloads: Downloads) -> Synced:
        """Bring the copy to the present state of a repository.

        Args:
            client: knows the repository.
            downloads: fetches from there.

        Raises:
            BrickUntrustedError: something does not hold; the copy is as it was.
            RepositoryAwayError: something did not come; the copy is as it was, and what came is
                kept for the next time.
        """
        with self.layout.lock():
            catalogue = client.refresh()
            if catalogue.unreached:
                raise RepositoryAwayError(f"{min(catalogue.unreached)} could not be fetched.")
            before, named = downloads.moved, set[Path]()
            entries = self._entries(catalogue)
            for entry in entries:
                manifest = client.manifest(entry)
                named.add(self._lay(entry.path, manifest.canonical(), entry.target))
                named.update(self._blob(file, downloads) for file in manifest.files)
            named.update(self._metadata(client, catalogue))
            self._show(client)
            refs = tuple(entry.ref for entry in entries)
            return Synced(downloads.moved - before, self._sweep(named), refs)

    def _entries(self, catalogue: Catalogue) -> list[Entry]:
        """The bricks that are handed on: of these levels, and not taken back."""
        return [
            entry
            for entry in catalogue.signed
            if entry.level in self._levels and entry.ref not in catalogue.revoked
        ]

    def _blob(self, file: BrickFile, downloads: Downloads) -> Path:
        place = self.layout.of_blob(file.digest)
        if not self._whole(place, file):
            place.unlink(missing_ok=True)
            part = downloads.fetch(file)
            self.layout.take_blob(part, file.digest)
            part.unlink()
        return place

    def _whole(self, place: Path, file: BrickFile) -> bool:
        """Whether a file is what it is to be; its content is looked at once a day."""
        if not place.is_file() or place.stat().st_size != file.size:
            return False
        now = time.monotonic()
        if now - self._looked.get(place, -LOOK_AGAIN_SECONDS) < LOOK_AGAIN_SECONDS:
            return True
        self._looked[place] = now
        return digest_of(place)[0] == file.digest

    def _metadata(self, client: Client, catalogue: Catalogue) -> Iterator[Path]:
        """Lay down every role that holds, what was taken back, and who is offered what."""
        yield from self._roots(client)
        for role, raw in client.roles():
            if role not in catalogue.left_out:
                version = Metadata.from_bytes(raw).signed.version
                yield self._put(self.layout.of_role(quote(role, ""), version), raw)
        if (revoked := client.revoked_list()) is not None:
            yield self._lay(REVOKED, revoked[1], revoked[0])
        if catalogue.channels is not None and (channels := client.channels_list()) is not None:
            yield self._lay(CHANNELS, channels[1], channels[0])

    def _roots(self, client: Client) -> Iterator[Path]:
        """Every root from the first one on: a device may have been away for longer than we know."""
        seen = client.seen / "root_history"
        newest = max(int(m[1]) for p in seen.iterdir() if (m := _ROOT.fullmatch(p.name)))
        for version in range(1, newest + 1):
            place, held = self.layout.of_role("root", version), seen / f"{version}.root.json"
            if held.is_file():
                yield self._put(place, held.read_bytes())
            elif not place.is_file():
                if (raw := client.old_root(version)) is not None:
                    yield self._put(place, raw)
            else:
                yield place

    def _show(self, client: Client) -> None:
        """Make the new state the present one."""
        raw = (client.seen / "timestamp.json").read_bytes()
        place = self.layout.of_role("timestamp", 0)
        if not place.is_file() or place.read_bytes() != raw:
            self.layout.write(place, raw)

    def _lay(self, path: str, raw: bytes, target: TargetFile) -> Path:
        return self._put(self.layout.of_target(path, target.hashes["sha256"]), raw)

    def _put(self, place: Path, raw: bytes) -> Path:
        if not place.is_file() or place.read_bytes() != raw:
            self.layout.write(place, raw)
        return place

    def _sweep(self, named: Collection[Path]) -> int:
        """Delete what the present state does not name."""
        deleted = 0
        kept = {*named, self.layout.of_role("timestamp", 0)}
        for folder in (self.layout.metadata, self.layout.targets):
            for path in list(folder.rglob("*")):
                if path.is_file() and path not in kept:
                    path.unlink()
                    deleted += 1
        return deleted
