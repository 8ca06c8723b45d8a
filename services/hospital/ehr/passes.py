"""One pass over one connection: what is read, in which order, and what is made of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from services.fhir.client import (
    BulkExport,
    Capability,
    Failure,
    FhirAwayError,
    FhirClient,
    FhirRefusedError,
    FhirServerError,
    FhirSignInError,
    Resource,
    Search,
)
from services.fhir.client.narrowing import moment
from services.fhir.client.searching import Parameters
from services.fhir.references import COMPARTMENT
from services.hospital.ehr.applying import BATCH, Applier, Key
from services.hospital.ehr.book import Book
from services.hospital.ehr.connections import Ask
from services.hospital.ehr.naming import references
from services.hospital.models import EhrConnection

Mode = Literal["new", "full", "named"]
"""What changed since; everything; or only what is awaited by name."""
OVERLAP = timedelta(minutes=10)
"""So much before its watermark a search begins: clocks differ, and commits come late."""
BRAKE_SHARE, BRAKE_COUNT = 0.2, 20
"""Where more than this of a type seems to be gone at once, an operator must say so first."""
GONE = frozenset({404, 410})


@dataclass
class Outcome:
    """What a pass did.

    Attributes:
        read: resources by type; deleted: how many here.
        failures: what could not be had; it is tried again.
        troubles: what was not read at all, as ``Type: code``.
        searched: how many searches were read to their end.
        bulk: whether it was read by Bulk Data.
    """

    read: dict[str, int] = field(default_factory=dict)
    deleted: int = 0
    failures: list[Failure] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    searched: int = 0
    bulk: bool = False

    @property
    def state(self) -> str:
        """``ok``; ``partial`` where something is missing, ``failed`` where all is."""
        if self.troubles and not self.searched:
            return "failed"
        return "partial" if self.failures or self.troubles else "ok"


class Pass:
    """One pass.

    Args:
        row: the connection.
        client: of its server.
        applier: writes what is read.
        book: of what was read before.
        mode: what is read.
        allow: delete even where much seems to be gone.
        progress: called with the number of resources so far.
    """

    def __init__(
        self,
        row: EhrConnection,
        client: FhirClient,
        applier: Applier,
        book: Book,
        *,
        mode: Mode = "new",
        allow: bool = False,
        progress: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._row, self._client, self._applier, self._book = row, client, applier, book
        self._allow, self._progress = allow, progress
        self._full = mode == "full" or (mode == "new" and row.full is None)
        self._named_only = mode == "named"
        self._began = datetime.now(UTC)
        self._asks = [Ask(text) for text in row.asks.split()]
        self._patients: list[str] | None = None
        self._wanted: set[Key] = set()
        self._whole: list[Ask] = []
        self.outcome = Outcome()

    @property
    def full(self) -> bool:
        """Whether everything is read."""
        return self._full

    async def run(self) -> Outcome:
        """Read, write, and note what is missing.

        Raises:
            FhirAwayError, FhirSignInError: the server is away, or gives no token.
            EhrHeldError: somebody else works with the connection by now.
        """
        self._patients = await self._whose()
        if not self._named_only:
            capability = await self._client.capability()
            asks = [ask for ask in self._asks if self._may(capability, ask)]
            left = await self._by_bulk(capability, asks) if self._full else asks
            await self._by_search(left)
            await self._named(asks)
            await self._deletions(capability)
            self.outcome.searched = len(self._whole)
        await self._awaited()
        return self.outcome

    def _may(self, capability: Capability, ask: Ask) -> bool:
        if capability.allows(ask.kind, "search-type"):
            return True
        self.outcome.troubles.append(f"{ask.text}: not-supported")
        return False

    async def _whose(self) -> list[str] | None:
        """Whose records are read; None for everybody's."""
        listed = self._row.patients.split()
        if self._row.group is None:
            return listed or None
        group = await self._client.read("Group", self._row.group)
        members = [
            self._applier.naming.target(reference)
            for reference in references(group.get("member", []))
        ]
        return listed + [m[1] for m in members if m is not None and m[0] == "Patient"]

    async def _by_bulk(self, capability: Capability, asks: Sequence[Ask]) -> Sequence[Ask]:
        """Read patients' records by Bulk Data, where that can be; return what is left to read.

        Who and what no record names is not in such an export, so it is searched for in any case.
        """
        kind = "Group" if self._row.group else "Patient"
        offered = capability.has_operation("export", kind)
        meant = [ask for ask in asks if is_of_patients(ask.kind)]
        if not offered or not meant or self._row.patients or any(ask.parameters for ask in meant):
            return asks
        export = self._client.export(group=self._row.group, types=[ask.kind for ask in asks])
        try:
            await self._write(export)
        except FhirRefusedError:
            return asks
        self.outcome.failures += export.failures
        self.outcome.bulk = True
        broken = {failure.what for failure in export.failures}
        instant = moment(export.instant)
        for ask in meant:
            if ask.kind not in broken and instant is not None:
                await asyncio.to_thread(self._book.mark, ask.text, instant)
                self._whole.append(ask)
        return [ask for ask in asks if ask not in meant]

    async def _by_search(self, asks: Sequence[Ask]) -> None:
        for ask in asks:
            if self._patients is not None and not is_of_patients(ask.kind):
                continue  # read where a record names it
            try:
                await self._ask(ask)
            except (FhirAwayError, FhirSignInError):
                raise
            except FhirServerError as error:
                code = getattr(error, "code", error.kind)
                self.outcome.troubles.append(f"{ask.text}: {code}")

    async def _ask(self, ask: Ask) -> None:
        """Read one search to its end, for each patient where some are named."""
        clock = self._client.clock or self._began
        mark = None if self._full else await asyncio.to_thread(self._book.mark_of, ask.text)
        since = [] if mark is None else [("_lastUpdated", f"ge{_text(mark - OVERLAP)}")]
        whole, patients = True, self._patients
        if ask.kind == "Patient" and patients is not None:
            whole = await self._read_all([("Patient", id_) for id_ in patients])
            patients = []
        for patient in [None] if patients is None else patients:
            of = [] if patient is None else [("patient", patient)]
            whole &= await self._search(ask.kind, [*ask.parameters, *of, *since])
        if whole:
            await asyncio.to_thread(self._book.mark, ask.text, clock)
            self._whole.append(ask)

    async def _search(self, kind: str, parameters: Parameters) -> bool:
        search = self._client.search(kind, parameters)
        await self._write(search)
        self.outcome.failures += search.failures
        return search.complete

    async def _write(self, resources: Search | BulkExport) -> None:
        """Write what comes, a batch at a time; no more is asked for before it is written."""
        async for batch in _batches(resources):
            await self._apply(batch)

    async def _apply(self, batch: Sequence[Resource]) -> None:
        batch = [resource for resource in batch if self._may_have(resource)]
        failures = await asyncio.to_thread(self._applier.apply, batch, self._began)
        self.outcome.failures += failures
        for resource in batch:
            kind = str(resource["resourceType"])
            self.outcome.read[kind] = self.outcome.read.get(kind, 0) + 1
            if self._patients is not None:
                targets = map(self._applier.naming.target, references(resource))
                self._wanted.update(target for target in targets if target is not None)
        self._progress(sum(self.outcome.read.values()))

    def _may_have(self, resource: Resource) -> bool:
        """Whether a record is meant, whatever a server gives or a notification names."""
        whose = self._applier.naming.person(resource)
        return self._patients is None or whose is None or whose in self._patients

    async def _named(self, asks: Sequence[Ask]) -> None:
        """Read who and what the records name: practitioners, organizations, medications."""
        kinds = {ask.kind for ask in asks if not is_of_patients(ask.kind)}
        done: set[Key] = set()
        while True:
            wanted = {key for key in self._wanted - done if key[0] in kinds}
            if not self._full:
                wanted -= await asyncio.to_thread(self._book.known, wanted)
            if not wanted:
                return
            done |= wanted
            await self._read_all(sorted(wanted))

    async def _read_all(self, keys: Sequence[Key]) -> bool:
        """Read resources one by one; what cannot be had is a failure."""
        batch: list[Resource] = []
        good = True
        for kind, id_ in keys:
            try:
                batch.append(await self._client.read(kind, id_))
            except (FhirAwayError, FhirSignInError):
                raise
            except FhirServerError as error:
                good = False
                code = str(getattr(error, "code", error.kind))
                self.outcome.failures.append(Failure(f"{kind}/{id_}", code, error.passing))
            if len(batch) == BATCH:
                await self._apply(batch)
                batch = []
        if batch:
            await self._apply(batch)
        return good

    async def _deletions(self, capability: Capability) -> None:
        """Delete here what the server says is gone, each asked for by itself."""
        gone: list[Key] = []
        if self._full:
            broken = {ask.kind for ask in self._asks if ask not in self._whole}
            for kind in sorted({ask.kind for ask in self._whole} - broken):
                gone += await self._missing(kind)
        else:
            for ask in self._whole:
                if capability.offers(ask.kind, "history-type"):
                    gone += await self._ended(ask)
        for kind, id_ in gone:
            await self._confirm(kind, id_)

    async def _missing(self, kind: str) -> Sequence[Key]:
        """What was not found when everything was read."""
        missing, known = await asyncio.to_thread(self._book.unseen, kind, self._began)
        if len(missing) > max(BRAKE_COUNT, BRAKE_SHARE * known) and not self._allow:
            self.outcome.troubles.append(f"{kind}: mass-deletion")
            return ()
        return missing

    async def _ended(self, ask: Ask) -> Sequence[Key]:
        """What a type's history says was deleted since the last pass."""
        since = {"_since": _text((self._row.synced or self._began) - OVERLAP)}
        history = self._client.history(ask.kind, since)
        try:
            async for _ in history:
                pass
        except FhirRefusedError:
            return ()  # everything is read now and then, too
        keys = {tuple(name.split("/")) for name in history.deleted}
        named = {(key[0], key[1]) for key in keys if key[0] == ask.kind}
        return sorted(await asyncio.to_thread(self._book.known, named))

    async def _confirm(self, kind: str, id_: str) -> None:
        try:
            found = await self._client.read(kind, id_)
        except FhirRefusedError as error:
            if error.answered not in GONE:
                self.outcome.failures.append(Failure(f"{kind}/{id_}", error.code, error.passing))
                return
            await asyncio.to_thread(self._applier.remove, kind, id_)
            self.outcome.deleted += 1
        except (FhirAwayError, FhirSignInError):
            raise
        except FhirServerError as error:
            self.outcome.failures.append(Failure(f"{kind}/{id_}", error.kind, error.passing))
        else:
            await self._apply([found])
            if not self._may_have(found):
                await asyncio.to_thread(self._book.forget, kind, id_)

    async def _awaited(self) -> None:
        """Read by themselves what could not be had before, or what a notification named."""
        kinds = {ask.kind for ask in self._asks}
        for kind, id_ in await asyncio.to_thread(self._book.due, kinds):
            await self._confirm(kind, id_)


def is_of_patients(kind: str) -> bool:
    """Whether resources of a type are in somebody's record, and not only named by it."""
    return kind == "Patient" or kind in COMPARTMENT


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def _batches(items: AsyncIterable[Resource]) -> AsyncIterator[list[Resource]]:
    batch: list[Resource] = []
    async for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
