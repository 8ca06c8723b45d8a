"""Taking resources in: batch by batch, those that are meant, and what they name noted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

from services.fhir.client import (
    BulkExport,
    Failure,
    FhirAwayError,
    FhirClient,
    FhirRefusedError,
    FhirServerError,
    FhirSignInError,
    Resource,
    Search,
)
from services.hospital.ehr.applying import BATCH, Applier, Key
from services.hospital.ehr.book import Book
from services.hospital.ehr.naming import Naming, references
from services.hospital.ehr.outcome import Outcome

GONE = frozenset({404, 410})
ENDS = (FhirAwayError, FhirSignInError)
"""Errors that end a pass: nothing more can be had now."""


class Taking:
    """What one pass takes in.

    Args:
        client: of the server.
        applier: writes what is read.
        book: of what was read before.
        progress: called with the number of resources so far.

    Attributes:
        began: when the pass began.
        outcome: of the pass.
        patients: ids there of those whose records are meant; None for everybody's.
        named: resources that the records name, where only some records are meant.
    """

    def __init__(
        self, client: FhirClient, applier: Applier, book: Book, progress: Callable[[int], None]
    ) -> None:
        self._client, self._applier, self._book = client, applier, book
        self._progress = progress
        self.began = datetime.now(UTC)
        self.outcome = Outcome()
        self.patients: list[str] | None = None
        self.named: set[Key] = set()

    @property
    def naming(self) -> Naming:
        """What the resources are called here."""
        return self._applier.naming

    async def write(self, resources: Search | BulkExport) -> None:
        """Write what comes, a batch at a time; no more is asked for before it is written."""
        async for batch in _batches(resources):
            await self._apply(batch)

    async def _apply(self, batch: Sequence[Resource]) -> None:
        meant = [resource for resource in batch if self._is_meant(resource)]
        failures = await asyncio.to_thread(self._applier.apply, meant, self.began)
        self.outcome.failures += failures
        for resource in meant:
            kind = str(resource["resourceType"])
            self.outcome.read[kind] = self.outcome.read.get(kind, 0) + 1
            if self.patients is not None:
                targets = map(self.naming.target, references(resource))
                self.named.update(target for target in targets if target is not None)
        self._progress(self.outcome.total)

    def _is_meant(self, resource: Resource) -> bool:
        """Whether a record is meant, whatever a server gives or a notification names."""
        whose = self.naming.person(resource)
        return self.patients is None or whose is None or whose in self.patients

    async def read_all(self, keys: Sequence[Key]) -> bool:
        """Read resources one by one; whether all could be had."""
        batch: list[Resource] = []
        good = True
        for kind, id_ in keys:
            try:
                batch.append(await self._client.read(kind, id_))
            except ENDS:
                raise
            except FhirServerError as error:
                good = False
                self._failed(kind, id_, error)
            if len(batch) == BATCH:
                await self._apply(batch)
                batch = []
        if batch:
            await self._apply(batch)
        return good

    async def confirm(self, kind: str, id_: str) -> None:
        """Read a resource by itself; where the server says that it is gone, delete it here."""
        try:
            found = await self._client.read(kind, id_)
        except ENDS:
            raise
        except FhirServerError as error:
            if not isinstance(error, FhirRefusedError) or error.answered not in GONE:
                self._failed(kind, id_, error)
                return
            await asyncio.to_thread(self._applier.remove, kind, id_)
            self.outcome.deleted += 1
            return
        await self._apply([found])
        if not self._is_meant(found):
            await asyncio.to_thread(self._book.forget, kind, id_)

    def _failed(self, kind: str, id_: str, error: FhirServerError) -> None:
        self.outcome.failures.append(Failure(f"{kind}/{id_}", code_of(error), error.passing))


def code_of(error: FhirServerError) -> str:
    """The issue code that a server gave, or the kind of the error."""
    return error.code if isinstance(error, FhirRefusedError) else error.kind


async def _batches(items: AsyncIterable[Resource]) -> AsyncIterator[list[Resource]]:
    batch: list[Resource] = []
    async for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
