"""Fetching a source: conditional, bounded, patient, and only where the operator let it.

Each part is asked for with the validators of its last answer (ETag, Last-Modified); what has not
changed is not moved. There are no redirects: an address that moved is reviewed by a person. What
arrives is written to a draft on the disk, looked at, and put under its digest; until all parts are
there nothing of what was before is touched.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from services.learning.sources.catalogue import Listed
from services.learning.sources.errors import SourceAwayError, SourceRefusedError
from services.learning.sources.marks import marks_of
from services.learning.sources.robots import AGENT, Robots
from services.learning.sources.snapshot import Part, Shelf, Snapshot
from services.web.outbound import Outbound, OutboundRefusedError

NOT_ALLOWED = "not-allowed"
"""Reason of a refusal that the operator ends by listing the origin."""
ATTEMPTS = 3
PATIENCE = 60.0
"""Seconds that are waited within one run where a source says Retry-After; else it is later."""
LATER = 900.0
"""Seconds until it is asked again where a source that is busy does not say when."""
LONGEST_WAIT = 7 * 24 * 3600.0
_BUSY = frozenset({429, 503})
_GONE = frozenset({404, 410})
MAX_VALIDATOR = 300


def utc_now() -> dt.datetime:
    """The time, with its zone."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Fetcher:
    """Fetches parts of sources.

    Attributes:
        shelf: where files are kept.
        outbound: makes the one way out to a source, with its limits; it refuses an origin that the
            operator did not list.
        sleep: waits; now: what time it is.
    """

    shelf: Shelf
    outbound: Callable[[Listed], Outbound]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], dt.datetime] = utc_now
    say: Callable[[str], None] = field(default=lambda _line: None)

    async def fetch(self, source: Listed, former: Mapping[str, Part]) -> Snapshot:
        """Everything that a source gives now.

        Args:
            source: as listed.
            former: parts of its last snapshot, by name.

        Raises:
            SourceAwayError: it gives no usable answer now.
            SourceRefusedError: what it gives is not taken, or it may not be asked.
        """
        try:
            way = self.outbound(source)
        except OutboundRefusedError as error:
            raise SourceRefusedError(str(error), reason=NOT_ALLOWED) from None
        try:
            async with way.client(timeout=source.seconds, cap=source.megabytes << 20) as client:
                client.headers["user-agent"] = f"{AGENT} (knowledge sources of a hospital)"
                parts = await self._parts(client, source, former)
        except OutboundRefusedError as error:
            raise SourceRefusedError(str(error), reason="outbound") from None
        if not parts:
            raise SourceAwayError("None of its addresses gives anything.")
        return Snapshot(source.id, tuple(parts), self.now())

    async def _parts(
        self, client: httpx.AsyncClient, source: Listed, former: Mapping[str, Part]
    ) -> list[Part]:
        run = _Run(self, client, source)
        addresses = list(source.addresses(self.now().date()))
        await run.read_robots(addresses[0][1])
        parts: list[Part] = []
        for name, address in addresses:
            part = await run.part(name, address, former.get(name))
            if part is not None:
                parts.append(part)
                self.say(f"{source.id}: {name} ({part.size:,} bytes)")
                if source.dated:
                    break
        return parts

    def from_folder(self, source: Listed, folder: Path) -> Snapshot:
        """Take a source's files from a folder, where nothing may be fetched.

        Raises:
            SourceRefusedError: there are none, or one is too large or malformed.
        """
        own = folder / source.id
        place = own if own.is_dir() else folder
        found = [path for path in sorted(place.iterdir()) if path.is_file() and _shown(path)]
        if not found:
            raise SourceRefusedError(f"There is no file in {place}.", reason="empty")
        parts = []
        for path in found:
            if path.is_symlink() or path.stat().st_size > source.megabytes << 20:
                raise SourceRefusedError(
                    f"{path.name} is a link, or larger than {source.megabytes} MiB.", reason="size"
                )
            parts.append(self.take(source, path, path.name, f"file:{path.name}"))
        return Snapshot(source.id, tuple(parts), self.now())

    def take(
        self,
        source: Listed,
        path: Path,
        name: str,
        address: str,
        headers: httpx.Headers | None = None,
    ) -> Part:
        """Look at a file and put it on the shelf.

        Raises:
            SourceRefusedError: it is not in the source's format.
        """
        marks = marks_of(path, source.format)
        digest, size = self.shelf.keep(path)
        held = headers or httpx.Headers()
        return Part(
            name,
            address,
            digest,
            size,
            _validator(held.get("etag")),
            _validator(held.get("last-modified")),
            marks.dated.isoformat() if marks.dated else None,
            marks.licence,
        )


def _shown(path: Path) -> bool:
    return not path.name.startswith(".")


def _validator(value: str | None) -> str | None:
    return value if value and len(value) <= MAX_VALIDATOR else None


class _Run:
    """One run through the addresses of a source."""

    def __init__(self, fetcher: Fetcher, client: httpx.AsyncClient, source: Listed) -> None:
        self._fetcher, self._client, self._source = fetcher, client, source
        self._robots, self._asked = Robots(None), False

    async def read_robots(self, address: str) -> None:
        """Read the rules of the site, unless somebody read the terms of its interface."""
        if self._source.robots == "obey":
            try:
                self._robots = await Robots.of(self._client, address)
            except httpx.HTTPError as error:
                raise SourceAwayError(f"It does not answer ({type(error).__name__}).") from None
            self._asked = True

    async def part(self, name: str, address: str, former: Part | None) -> Part | None:
        """One part; the former one where it has not changed, None where there is none.

        Raises:
            SourceAwayError: there is no usable answer; asked again a few times before.
            SourceRefusedError: it is not to be taken.
        """
        self._robots.require(address)
        for attempt in range(1, ATTEMPTS + 1):
            await self._pause()
            try:
                return await self._once(name, address, former)
            except httpx.HTTPError as error:
                last = SourceAwayError(f"It does not answer ({type(error).__name__}).")
            except SourceAwayError as error:
                last = error
            wait = last.wait if last.wait is not None else float(2**attempt)
            if attempt == ATTEMPTS or wait > PATIENCE:
                raise last
            await self._fetcher.sleep(wait)
        raise SourceAwayError("It does not answer.")

    async def _pause(self) -> None:
        """Leave a source in peace between two requests."""
        if self._asked:
            await self._fetcher.sleep(max(self._source.pause, self._robots.pause))
        self._asked = True

    async def _once(self, name: str, address: str, former: Part | None) -> Part | None:
        usable = (
            former is not None and former.address == address and self._fetcher.shelf.whole(former)
        )
        asked = _conditions(former) if former is not None and usable else {}
        async with self._client.stream("GET", address, headers=asked) as answer:
            if answer.status_code == httpx.codes.NOT_MODIFIED and asked:
                return former
            if answer.status_code in _GONE:
                return None
            _refuse(answer, self._fetcher.now())
            with self._fetcher.shelf.draft() as draft:
                with draft.open("xb") as stream:
                    async for piece in answer.aiter_bytes():
                        stream.write(piece)
                return self._fetcher.take(self._source, draft, name, address, answer.headers)


def _conditions(former: Part) -> dict[str, str]:
    asked = {"if-none-match": former.etag, "if-modified-since": former.modified}
    return {name: value for name, value in asked.items() if value}


def _refuse(answer: httpx.Response, now: dt.datetime) -> None:
    """Refuse what is no document.

    Raises:
        SourceAwayError: it may come later.
        SourceRefusedError: it will not.
    """
    code = answer.status_code
    if code == httpx.codes.OK:
        return
    if code in _BUSY:
        wait = retry_after(answer.headers.get("retry-after"), now)
        raise SourceAwayError("It asks to be left in peace.", wait=LATER if wait is None else wait)
    if answer.is_redirect:
        raise SourceRefusedError(
            "It redirects to another address; a person has to review that one.", reason="redirect"
        )
    if code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise SourceAwayError(f"It answers with {code}.")
    raise SourceRefusedError(f"It answers with {code}.", reason="answer")


def retry_after(value: str | None, now: dt.datetime) -> float | None:
    """Seconds that ``Retry-After`` asks to wait, in seconds or as a date; None when it is none."""
    plain = (value or "").strip()
    if plain.isascii() and plain.isdecimal():
        return min(float(plain[:9]), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(plain)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return min(max(0.0, (until - now).total_seconds()), LONGEST_WAIT)
