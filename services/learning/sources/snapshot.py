"""What a source gave at one time: files under their digests, and what they say of themselves."""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.bricks.blobs import Blobs, digest_of
from services.bricks.errors import BrickDamagedError

SUFFIX = {"openfda": ".json", "medlineplus": ".xml", "feed": ".xml"}


@dataclass(frozen=True)
class Part:
    """One file of a snapshot.

    Attributes:
        etag, modified: validators of the answer that it came in, for the next conditional request.
        dated: ISO day that the file says, if it says one.
        licence: what it says of its licence.
    """

    name: str
    address: str
    digest: str
    size: int
    etag: str | None = None
    modified: str | None = None
    dated: str | None = None
    licence: tuple[str, ...] = ()

    @classmethod
    def of_row(cls, held: dict[str, Any]) -> Part:
        """As a row holds it."""
        return cls(**{**held, "licence": tuple(held["licence"])})

    def as_json(self) -> dict[str, Any]:
        """As a row holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Snapshot:
    """Parts of one source, in the order of the list."""

    source: str
    parts: tuple[Part, ...]
    taken: dt.datetime

    @property
    def digest(self) -> str:
        """Over names and digests of the parts: equal content, equal digest, whenever it came."""
        lines = sorted(f"{part.name}\0{part.digest}\n" for part in self.parts)
        return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"

    @property
    def dated(self) -> dt.date | None:
        """The latest day that a part says."""
        days = [dt.date.fromisoformat(part.dated) for part in self.parts if part.dated]
        return max(days, default=None)

    @property
    def licence(self) -> tuple[str, ...]:
        """Every word that the parts say of their licence."""
        return tuple(dict.fromkeys(said for part in self.parts for said in part.licence))


class Shelf:
    """The files of all snapshots.

    Args:
        folder: that they lie below.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = Blobs(folder / "blobs")

    @contextmanager
    def adding(self) -> Iterator[None]:
        """Keep files from being swept away before rows name them."""
        with self._lock(fcntl.LOCK_SH):
            yield

    def draft(self) -> AbstractContextManager[Path]:
        """A new name on the same disk, for what is being fetched; gone afterwards."""
        return self._blobs.draft()

    def keep(self, path: Path) -> tuple[str, int]:
        """Put a file on the shelf; its digest and length."""
        digest, size = digest_of(path)
        self._blobs.put(path, digest, size, name=path.name)
        return digest, size

    def path(self, part: Part) -> Path:
        """The file of a part."""
        return self._blobs.path(part.digest)

    def whole(self, part: Part) -> bool:
        """Whether the file of a part is there, and is what its digest says."""
        return self._blobs.whole(part.digest, part.size)

    def lay_out(self, snapshot: Snapshot, folder: Path, kind: str) -> list[Path]:
        """The files of a snapshot in a folder, each under the name of its part.

        Raises:
            BrickDamagedError: one is missing or damaged.
        """
        folder.mkdir(parents=True, exist_ok=True)
        laid = []
        for number, part in enumerate(snapshot.parts):
            name = re.sub(r"[^a-z0-9]+", "-", part.name.casefold()).strip("-")[:60]
            path = folder / f"{number:04d}-{name}{SUFFIX[kind]}"
            if not self.whole(part):
                raise BrickDamagedError(
                    f"{part.name} of {snapshot.source} is missing or damaged.",
                    remedy=f"`caretier rounds sources fetch {snapshot.source}` fetches it again.",
                )
            shutil.copyfile(self.path(part), path)
            laid.append(path)
        return laid

    def sweep(self, kept: Callable[[], Iterable[Part]]) -> int:
        """Delete every file but those of these parts; return the bytes freed, 0 while one fetches.

        Args:
            kept: asked once nobody can be adding.
        """
        try:
            with self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
                return self._blobs.sweep({part.digest for part in kept()})
        except BlockingIOError:
            return 0

    @contextmanager
    def _lock(self, how: int) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("ab") as stream:
            fcntl.flock(stream, how)
            yield
