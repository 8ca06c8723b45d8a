"""One pass over one connection: what is read, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from services.fhir.client import Capability, FhirClient, FhirRefusedError, FhirServerError
from services.fhir.client.narrowing import moment
from services.fhir.client.searching import Parameters
from services.fhir.references import COMPARTMENT
from services.hospital.ehr.applying import Applier, Key
from services.hospital.ehr.asks import Ask, instant_text
from services.hospital.ehr.book import Book
from services.hospital.ehr.gone import Gone
from services.hospital.ehr.naming import references
from services.hospital.ehr.outcome import Mode, Outcome
from services.hospital.ehr.taking import ENDS, Taking, code_of
from services.hospital.models import EhrConnection

OVERLAP = timedelta(minutes=10)
"""So much before its watermark a search begins: clocks differ, and commits come late."""


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

    Attributes:
        full: whether everything is read.
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
        self._row, self._client, self._book = row, client, book
        self._taking = Taking(client, applier, book, progress)
        self._gone = Gone(client, book, self._taking, allow=allow)
        self._named_only = mode == "named"
        self._asks = [Ask(text) for text in row.asks.split()]
        self._whole: list[Ask] = []
        self.full = mode == "full" or (mode == "new" and row.full is None)

    async def run(self) -> Outcome:
        """Read, write, and note what is missing.

        Raises:
            FhirAwayError, FhirSignInError: the server is away, or gives no token.
            EhrHeldError: somebody else works with the connection by now.
        """
        outcome = self._taking.outcome
        self._taking.patients = await self._patients()
        if not self._named_only:
            capability = await self._client.capability()
            asks = [ask for ask in self._asks if self._may(capability, ask)]
            await self._by_search(await self._by_bulk(capability, asks) if self.full else asks)
            await self._named(asks)
            await self._deletions(capability)
            outcome.searched = len(self._whole)
        kinds = {ask.kind for ask in self._asks}
        for kind, id_ in await asyncio.to_thread(self._book.due, kinds):
            await self._taking.confirm(kind, id_)
        return outcome

    def _may(self, capability: Capability, ask: Ask) -> bool:
        if capability.allows(ask.kind, "search-type"):
            return True
        self._trouble(ask, "not-supported")
        return False

    def _trouble(self, ask: Ask, code: str) -> None:
        self._taking.outcome.troubles.append(f"{ask.text}: {code}")

    async def _patients(self) -> list[str] | None:
        """Whose records are read; None for everybody's."""
        listed = self._row.patients.split()
        if self._row.group is None:
            return listed or None
        group = await self._client.read("Group", self._row.group)
        members = map(self._taking.naming.target, references(group.get("member", [])))
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
            await self._taking.write(export)
        except FhirRefusedError:
            return asks
        self._taking.outcome.failures += export.failures
        self._taking.outcome.bulk = True
        broken = {failure.what for failure in export.failures}
        instant = moment(export.instant)
        for ask in meant:
            if ask.kind not in broken and instant is not None:
                await asyncio.to_thread(self._book.mark, ask.text, instant)
                self._whole.append(ask)
        return [ask for ask in asks if ask not in meant]

    async def _by_search(self, asks: Sequence[Ask]) -> None:
        for ask in asks:
            if self._taking.patients is not None and not is_of_patients(ask.kind):
                continue  # read where a record names it
            try:
                await self._ask(ask)
            except ENDS:
                raise
            except FhirServerError as error:
                self._trouble(ask, code_of(error))

    async def _ask(self, ask: Ask) -> None:
        """Read one search to its end, for each patient where some are named."""
        clock = self._client.clock or self._taking.began
        mark = None if self.full else await asyncio.to_thread(self._book.mark_of, ask.text)
        since = [] if mark is None else [("_lastUpdated", f"ge{instant_text(mark - OVERLAP)}")]
        patients = self._taking.patients
        if patients is None:
            whole = await self._search(ask.kind, [*ask.parameters, *since])
        elif ask.kind == "Patient":
            whole = await self._taking.read_all([("Patient", id_) for id_ in patients])
        else:
            whole = True
            for id_ in patients:
                of = [*ask.parameters, ("patient", id_), *since]
                whole &= await self._search(ask.kind, of)
        if whole:
            await asyncio.to_thread(self._book.mark, ask.text, clock)
            self._whole.append(ask)

    async def _search(self, kind: str, parameters: Parameters) -> bool:
        search = self._client.search(kind, parameters)
        await self._taking.write(search)
        self._taking.outcome.failures += search.failures
        return search.complete

    async def _named(self, asks: Sequence[Ask]) -> None:
        """Read who and what the records name: practitioners, organizations, medications."""
        kinds = {ask.kind for ask in asks if not is_of_patients(ask.kind)}
        done: set[Key] = set()
        while True:
            wanted = {key for key in self._taking.named - done if key[0] in kinds}
            if not self.full:
                wanted -= await asyncio.to_thread(self._book.known, wanted)
            if not wanted:
                return
            done |= wanted
            await self._taking.read_all(sorted(wanted))

    async def _deletions(self, capability: Capability) -> None:
        if self.full:
            await self._gone.after_all(self._asks, self._whole)
        else:
            last = self._row.synced or self._taking.began
            await self._gone.since(last - OVERLAP, self._whole, capability)


def is_of_patients(kind: str) -> bool:
    """Whether resources of a type are in somebody's record, and not only named by it."""
    return kind == "Patient" or kind in COMPARTMENT
