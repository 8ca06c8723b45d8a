"""A repository with cheap keys, and a client of python-tuf's own that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from services.bricks.manifest import BrickManifest
from services.bricks.repository.delegations import delegate
from services.bricks.repository.init import init
from services.bricks.repository.key_files import Cost
from services.bricks.repository.key_maker import KeyMaker, KeyPlan
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.repository import Repository
from services.bricks.store import BrickStore

PASSPHRASE = "a passphrase of some length"
CHEAP = Cost(passes=1, memory=8, lanes=1)
BASE = "https://hospital.test/"


class FolderFetcher(FetcherInterface):
    """Reads what a server would serve from the repository's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = self._folder / url.removeprefix(BASE)
        if not path.is_file():
            raise DownloadHTTPError("not here", 404)
        return iter([path.read_bytes()])


@dataclass
class World:
    """A repository, its keys, a store to publish from, and clients."""

    folder: Path
    ahead: timedelta = timedelta(0)
    clients: int = 0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sticks = [self.folder / f"stick-{n}" for n in range(3)]
        self.held, self.online = self.folder / "held", self.folder / "online"
        self.repository = Repository(self.folder / "repository", clock=self.now)
        self.store = BrickStore(self.folder / "store")
        self.maker = KeyMaker(lambda _: PASSPHRASE, CHEAP)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def ring(self, *folders: Path) -> KeyRing:
        def ask(label: str) -> str:
            self.asked.append(label)
            return PASSPHRASE

        return KeyRing(folders or (*self.sticks, self.held, self.online), ask)

    def init(self) -> None:
        plans = {
            "root": KeyPlan(self.sticks, keys=3, threshold=2),
            "targets": KeyPlan([self.held]),
            "snapshot": KeyPlan([self.online]),
            "timestamp": KeyPlan([self.online]),
        }
        init(self.repository, self.maker, plans, self.ring())

    def delegate(self, domain: str = "general", keys: int = 1, threshold: int = 1) -> str:
        plan = KeyPlan([self.held], keys, threshold)
        return delegate(
            self.repository, self.maker, plan, self.ring(), level="device", domain=domain
        )

    def brick(self, version: int = 1, words: bytes = b"words", **other: Any) -> BrickManifest:
        small, large = self.folder / "small", self.folder / "large"
        small.write_bytes(words)
        large.write_bytes(b"never changes " * 100)
        fields = {
            "id": "plain-words",
            "version": version,
            "kind": "policy",
            "title": "Plain words",
            "level": "device",
            "domain": "general",
            "licence": "CC0-1.0",
            "created": datetime(2026, 11, 1, 8, tzinfo=UTC),
            "lineage": {"operation": "made"},
        }
        files = {"policy.yaml": (small, "policy"), "large.bin": (large, "other")}
        return self.store.make(fields | other, files)

    def client(self, place: Path | None = None) -> Updater:
        """A client that pinned the first root; a new one unless its folder is given."""
        self.clients += 1
        folder = place or self.folder / f"client-{self.clients}"
        (folder / "targets").mkdir(parents=True, exist_ok=True)
        root = self.repository.layout.of_role("root", 1).read_bytes()
        return Updater(
            str(folder),
            BASE + "metadata/",
            str(folder / "targets"),
            BASE + "targets/",
            FolderFetcher(self.repository.layout.folder),
            bootstrap=root,
        )

    def fetch(self, target: str, place: Path | None = None) -> bytes | None:
        """What a client gets for a target; None when nobody signs it."""
        client = self.client(place)
        info = client.get_targetinfo(target)
        return None if info is None else Path(client.download_target(info)).read_bytes()
