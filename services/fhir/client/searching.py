"""A search that is read page by page, from servers of many habits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from services.fhir.client import narrowing
from services.fhir.client.answers import Failure, Page, Resource, read_page
from services.fhir.client.errors import FhirAnswerError, FhirServerError
from services.fhir.client.links import follow

if TYPE_CHECKING:
    from services.fhir.client.client import FhirClient

Parameters = Mapping[str, str | Sequence[str]] | Iterable[tuple[str, str | Sequence[str]]]
"""Search parameters; a name with several values must match all of them."""


@dataclass(frozen=True)
class Progress:
    """How far a search or an export is: pages or files, resources, and how many there may be."""

    parts: int
    resources: int
    total: int | None = None


def ignore(_progress: Progress) -> None:
    """Show nothing."""


def pairs(parameters: Parameters) -> list[tuple[str, str]]:
    """Search parameters as names and values, a name as often as it has values."""
    items = parameters.items() if isinstance(parameters, Mapping) else parameters
    found: list[tuple[str, str]] = []
    for name, value in items:
        several = (value,) if isinstance(value, str) else value
        found += [(name, one) for one in several]
    return found


class Search:
    """A search; iterate over it once.

    It ends early, with a failure, where a page cannot be had: what came before is kept, and the
    caller decides by `complete` whether it is enough.

    Attributes:
        failures: what could not be had so far.
        included: resources that came along (``_include``), without repetitions.
        deleted: ``Type/id`` of deletions in a history, newest first.
        complete: whether every page was read.
        total: matches by the server's word, where it gave one.
        unsent: parameters that the server does not know; unfiltered: those of them that could
            not be applied here either, so that there are more matches than were asked for.
    """

    def __init__(
        self,
        client: FhirClient,
        kind: str,
        parameters: Parameters,
        progress: Callable[[Progress], None],
        path: str = "",
    ) -> None:
        self._client, self._kind, self._progress, self._path = client, kind, progress, path
        self._parameters = parameters
        self.failures: list[Failure] = []
        self.included: list[Resource] = []
        self.deleted: list[str] = []
        self.complete = self._broken = False
        self.total: int | None = None
        self.unsent: tuple[str, ...] = ()
        self.unfiltered: tuple[str, ...] = ()

    async def __aiter__(self) -> AsyncIterator[Resource]:
        """Yield the matches.

        Raises:
            FhirServerError: not even the first page could be had.
        """
        first, keep = await self._first()
        url: str | None = first
        seen: set[str] = set()
        along: set[tuple[str, str]] = set()
        count = 0
        while url is not None:
            seen.add(url)
            try:
                page = await self._page(url)
            except FhirServerError as error:
                if len(seen) == 1:
                    raise
                self._failed(error)
                return
            self.total = page.total if page.total is not None else self.total
            self.failures += page.failures
            self.deleted += page.deleted
            for resource in page.included:
                key = (str(resource["resourceType"]), str(resource.get("id")))
                if key not in along:
                    along.add(key)
                    self.included.append(resource)
            for resource in page.matches:
                if keep(resource):
                    count += 1
                    yield resource
            self._progress(Progress(len(seen), count, self.total))
            url = self._after(page, url, seen)
        self.complete = not self._broken

    async def _first(self) -> tuple[str, Callable[[Resource], bool]]:
        wanted = pairs(self._parameters)
        sent = wanted
        if not self._path:
            capability = await self._client.capability()
            sent = [pair for pair in wanted if capability.knows(self._kind, pair[0])]
        rest = [pair for pair in wanted if pair not in sent]
        self.unsent = tuple(dict.fromkeys(name for name, _ in rest))
        self.unfiltered = tuple(name for name in self.unsent if not narrowing.can_apply(name))
        if not any(name == "_count" for name, _ in sent) and not self._path.endswith("everything"):
            sent = [*sent, ("_count", str(self._client.settings.page))]
        path = f"{self._kind}/{self._path}" if self._path else self._kind
        query = urlencode(sent)
        return f"{self._client.base}/{path}?{query}", narrowing.keeps(rest)

    async def _page(self, url: str) -> Page:
        reply = await self._client.get(url)
        return await asyncio.to_thread(read_page, reply.content, valid=self._client.valid)

    def _after(self, page: Page, url: str, seen: set[str]) -> str | None:
        if page.next is None:
            return None
        try:
            return self._further(page.next, url, seen)
        except FhirAnswerError as error:
            self._failed(error)
            return None

    def _further(self, link: str, url: str, seen: set[str]) -> str:
        found = follow(self._client.base, link, current=url)
        if found in seen:
            raise FhirAnswerError("The FHIR server's pages lead in a circle.")
        if len(seen) >= self._client.settings.pages:
            raise FhirAnswerError("The FHIR server's pages have no end.")
        return found

    def _failed(self, error: FhirServerError) -> None:
        self._broken = True
        code = getattr(error, "code", error.kind)
        self.failures.append(Failure(self._kind, str(code), error.passing))
