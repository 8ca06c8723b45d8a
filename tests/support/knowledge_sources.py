"""A site that gives made-up labels and topics, and a hospital's sources that ask it."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import yaml

from services.bricks.operations.workshop import Workshop
from services.bricks.store import BrickStore
from services.learning.models import Base
from services.learning.sources.catalogue import SourceList
from services.learning.sources.fetch import Fetcher
from services.learning.sources.protected import Protected
from services.learning.sources.service import Sources
from services.learning.sources.snapshot import Shelf
from services.store.database import Database
from services.web.outbound import Outbound
from tests.support.packs import ByWords, topic

NOW = dt.datetime(2026, 11, 26, 9, 0, tzinfo=dt.UTC)
LICENCE = "https://labels.example.org/licence"
LIMITS = {
    "lost": 0.3,
    "grown": 5,
    "bad": 0.05,
    "quarantined": 1,
    "worse_by": 0.02,
    "review_days": 400,
    "keep": 2,
}
HELD = (
    topic(
        "zorvaxin",
        source="House leaflet",
        dose="Adults take at most 40 mg of zorvaxin in a day.",
        uses="Zorvaxin is used for aching elbows.",
    ),
    topic("stroke", symptoms="A stroke makes one side of the face droop."),
)
PROTECTED = (Protected(question="What are the symptoms of stroke?", passages=("stroke#symptoms",)),)


def label(name: str = "Zorvaxin", number: int = 1, **fields: str) -> dict[str, object]:
    """A made-up label as openFDA gives one."""
    held = fields or {
        "indications_and_usage": f"{name} is used for aching elbows and stiff thumbs.",
        "dosage_and_administration": f"Adults take at most 40 mg of {name.lower()} in a day.",
        "overdosage": f"Too much {name.lower()} makes people very sleepy for a long while.",
    }
    return {
        "set_id": f"00000000-0000-4000-8000-{number:012d}",
        "effective_time": "20261101",
        "openfda": {"generic_name": [name], "manufacturer_name": ["Made-up Makers"]},
        **{key: [value] for key, value in held.items()},
    }


def labels(*results, day="2026-11-20", licence=LICENCE) -> bytes:
    """An answer with labels."""
    meta = {"license": licence, "last_updated": day}
    return json.dumps({"meta": meta, "results": list(results)}).encode()


def feed(*titles: str, day="2026-11-20", rights="") -> bytes:
    """An Atom feed with an entry for each title."""
    entries = "".join(
        f"<entry><id>urn:{title}</id><title>{title}</title>"
        f'<link href="https://guides.example.org/{n}"/><updated>{day}T00:00:00Z</updated>'
        f"<summary>{title} says that people rest after it.</summary></entry>"
        for n, title in enumerate(titles)
    )
    said = f"<rights>{rights}</rights>" if rights else ""
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{said}{entries}</feed>'.encode()


def health_topics(*topics: tuple[str, str], day="11/20/2026") -> bytes:
    """Topics as MedlinePlus gives them: titles, each with its summary in HTML."""
    made = "".join(
        f'<health-topic id="{n}" title="{title}" language="English" '
        f'url="https://topics.example.org/{n}">'
        f"<full-summary>&lt;p&gt;{said}&lt;/p&gt;</full-summary></health-topic>"
        for n, (title, said) in enumerate(topics)
    )
    return f'<health-topics date-generated="{day} 02:00:00">{made}</health-topics>'.encode()


@dataclass
class Site:
    """A small server: what it gives at which path, and what it was asked."""

    port: int = 0
    given: dict[str, bytes] = field(default_factory=dict)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    endless: bool = False

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        """What it was asked for, robots.txt left out."""
        return [path for path, _ in self.asked if path != "/robots.txt"]

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body: those laid ready first, else what is given at the path."""
        if self.answers and path != "/robots.txt":
            return self.answers.pop(0)
        if path not in self.given:
            return 404, {}, b""
        body = self.given[path]
        tag = f'"{hashlib.sha256(body).hexdigest()[:12]}"'
        if headers.get("if-none-match") == tag:
            return 304, {"etag": tag}, b""
        return 200, {"etag": tag}, body


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[Site]:
    """The site on a port of this machine."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            writer.close()
            return
        first, *lines = head.split("\r\n")
        path = first.split(" ")[1]
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines if line)}
        site.asked.append((path, headers))
        status, more, body = site.answer(path, headers)
        if site.endless and path != "/robots.txt":
            await pour(writer)
            return
        out = [f"HTTP/1.1 {status} said", f"content-length: {len(body)}", "connection: close"]
        out += [f"{name}: {value}" for name, value in more.items()]
        writer.write("\r\n".join(out).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        site.port = server.sockets[0].getsockname()[1]
        yield site


async def pour(writer: asyncio.StreamWriter) -> None:
    """A body without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
    try:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def listed(origin: str = "http://127.0.0.1:1", **changes) -> dict[str, object]:
    """An entry of the list."""
    held = {
        "id": "labels",
        "title": "Labels",
        "publisher": "Label Office",
        "licence": {
            "name": "CC0 1.0",
            "terms": LICENCE,
            "says": [LICENCE],
            "redistribution": True,
            "reviewed": "2026-11-01",
        },
        "attribution": "Labels of the Label Office, changed in form.",
        "becomes": "knowledge",
        "format": "openfda",
        "address": f"{origin}/labels.json",
        "every_hours": 24,
        "pause": 0,
        "seconds": 5,
        "megabytes": 1,
        "robots": "reviewed",
        "domain": "medicines",
        "kind": "medicine",
    }
    return held | changes


def notices(origin: str, **changes) -> dict[str, object]:
    """An entry of the list whose entries people read and nothing answers from."""
    licence = {"name": "Own terms", "terms": LICENCE, "redistribution": False}
    fields = {"id": "guides", "title": "Guides", "becomes": "notice", "format": "feed"}
    return listed(origin, address=f"{origin}/feed.xml", licence=licence, **fields) | changes


class FixedPublisher:
    """Signs where the keys are at hand."""

    def __init__(self) -> None:
        self.keys_at_hand, self.published = True, []

    def publish(self, _shop, ref) -> bool:
        """Publish, if the keys are there."""
        if self.keys_at_hand and ref not in self.published:
            self.published.append(ref)
        return self.keys_at_hand

    def is_published(self, ref) -> bool:
        """Whether it is."""
        return ref in self.published


class House:
    """A hospital's sources on a temporary folder; time stands still unless it is moved."""

    def __init__(
        self, folder, *entries, held=HELD, limits=None, add_job=None, database=None, publisher=None
    ):
        self.folder, self.now, self.slept = folder, NOW, []
        self.catalogue = self.listing(*entries, limits=limits)
        self.database = database or Database(f"sqlite:///{folder}/hospital.db")
        if database is None:
            Base.metadata.create_all(self.database.engine)
        self.publisher = publisher or FixedPublisher()
        self.origins = [
            f"{e['address'].split('/')[0]}//{e['address'].split('/')[2]}" for e in entries
        ]
        self.shop = Workshop(BrickStore(folder / "bricks"), ByWords, now=lambda: self.now)
        fetcher = Fetcher(Shelf(folder / "shelf"), self.outbound, self.sleep, lambda: self.now)
        self.sources = Sources(
            self.database,
            self.catalogue,
            folder / "work",
            fetcher,
            self.shop,
            in_use=lambda: list(held),
            publisher=self.publisher,
            protected=PROTECTED,
            **({"add_job": add_job} if add_job else {}),
        )

    def listing(self, *entries, limits=None):
        """A list in a file, read back."""
        path = self.folder / "sources.yaml"
        held = {"format": "caretier-sources/1", "limits": LIMITS | (limits or {})}
        path.write_text(yaml.safe_dump(held | {"sources": list(entries)}), encoding="utf-8")
        return SourceList.load(path)

    def outbound(self, source):
        """The one way out, to this machine alone."""
        return Outbound(self.origins, private=True)

    async def sleep(self, seconds):
        """Do not wait, but remember."""
        self.slept.append(seconds)

    def relist(self, **changes):
        """Change the one source that is listed."""
        source = self.catalogue.sources[0].model_copy(update=changes)
        self.catalogue = self.catalogue.model_copy(update={"sources": (source,)})
        for part in (self.sources, self.sources.fetch, self.sources.people, self.sources._checking):
            name = "_catalogue" if hasattr(part, "_catalogue") else "catalogue"
            object.__setattr__(part, name, self.catalogue)

    async def brought(self, source="labels"):
        """Ask the source and check what it brings; the change's row."""
        id_ = await self.sources.fetch(source)
        assert id_ is not None
        self.sources.advance(id_)
        return self.sources.book.get(id_)

    def report(self, row):
        """What people look at."""
        return self.sources.candidates.report(row.candidate)

    def release(self, row, by="ana"):
        """Approve and release a change."""
        self.sources.people.approve(row.id, row.candidate, by)
        self.sources.advance(row.id)
        return self.sources.book.get(row.id)

    def close(self):
        """Close the database."""
        self.database.close()


def later(house, **delta):
    """Move the time on."""
    house.now += dt.timedelta(**delta)
    house.shop = replace(house.shop)
