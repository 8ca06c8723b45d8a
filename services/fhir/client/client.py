"""`FhirClient`: everything that is asked of another's FHIR server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import httpx

from services.fhir import jsontext
from services.fhir.client.answers import Fetched, Resource, fault_of, parse, version_of
from services.fhir.client.bulk import BulkExport
from services.fhir.client.discovery import (
    Capability,
    SmartConfiguration,
    read_capability,
    smart_configuration,
)
from services.fhir.client.errors import FhirAnswerError, FhirRefusedError
from services.fhir.client.links import clean_base, follow
from services.fhir.client.searching import Parameters, Progress, Search, ignore, pairs
from services.fhir.client.settings import ClientSettings, Connects
from services.fhir.client.tokens import FixedToken, TokenSource
from services.fhir.client.wire import Call, Reply, Wire

_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]{1,256}")
"""A type, an id or the name of an operation; some servers' ids are longer than FHIR has them."""


class FhirClient:
    """A client of one FHIR R4 server; it closes its connections when it is left.

        async with FhirClient("https://ehr.example.org/fhir", outbound, tokens) as ehr:
            patient = await ehr.read("Patient", "123")
            async for observation in ehr.search("Observation", {"patient": "123"}):
                ...

    Args:
        base: address of the server.
        connects: makes HTTP clients, and decides what may be called.
        tokens: of the server; none when None.
        settings: limits.
        valid: whether what is no valid R4 is a failure instead of an answer; a caller that checks
            it anyway may leave that.
    """

    def __init__(
        self,
        base: str,
        connects: Connects,
        tokens: TokenSource | None = None,
        *,
        settings: ClientSettings | None = None,
        valid: bool = True,
    ) -> None:
        self.base = clean_base(base)
        self.settings = settings or ClientSettings()
        self._connects, self.valid = connects, valid
        self._wire = Wire(connects, tokens or FixedToken(), self.settings)
        self._capability: Capability | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._wire.close()

    @property
    def clock(self) -> datetime | None:
        """What the server's clock said with its last answer."""
        return self._wire.clock

    async def smart(self) -> SmartConfiguration:
        """Where the server's tokens come from; see `smart_configuration`."""
        return await smart_configuration(self._connects, self.base)

    async def capability(self) -> Capability:
        """What the server can do; asked for once.

        A server that does not describe itself is one that may be asked anything.

        Raises:
            FhirAnswerError: it speaks another version of FHIR.
        """
        if self._capability is None:
            try:
                reply = await self._wire.send(Call("GET", f"{self.base}/metadata"))
                self._capability = read_capability(parse(reply.content))
            except FhirRefusedError as error:
                if error.passing:
                    raise
                self._capability = Capability()
        return self._capability

    async def read(self, kind: str, id_: str, version: str | None = None) -> Resource:
        """Read a resource, or one version of it.

        Raises:
            FhirRefusedError: the server has none (``answered`` is 404 or 410), or refuses.
            FhirAnswerError: what it gives is not that resource, or not valid.
        """
        url = self._url(kind, id_) if version is None else self._url(kind, id_, "_history", version)
        found = await self._resource(await self._wire.send(Call("GET", url)))
        if (found["resourceType"], found.get("id")) != (kind, id_):
            raise FhirAnswerError("The FHIR server gives another resource than was asked for.")
        return found

    def search(
        self,
        kind: str,
        parameters: Parameters = (),
        *,
        progress: Callable[[Progress], None] = ignore,
    ) -> Search:
        """Search a type, page by page, as its result is iterated over.

        Args:
            kind: resource type.
            parameters: of the search; those that the server does not know are not sent, and
                applied here where that can be (`Search.unsent`, `Search.unfiltered`).
            progress: called after each page.
        """
        return Search(self, kind, parameters, progress)

    def history(
        self,
        kind: str,
        parameters: Parameters = (),
        *,
        progress: Callable[[Progress], None] = ignore,
    ) -> Search:
        """The versions of a type's resources, newest first; deletions are in `Search.deleted`."""
        return Search(self, kind, parameters, progress, path="_history")

    async def fetch(self, kind: str, parameters: Parameters = ()) -> Fetched:
        """Search a type to its end; what could be had comes with what could not."""
        search = self.search(kind, parameters)
        resources = [resource async for resource in search]
        return Fetched(resources, search.failures)

    async def create(self, resource: Mapping[str, Any], *, unless: str | None = None) -> Resource:
        """Create a resource.

        Args:
            resource: without an id; the server gives one.
            unless: a search (``identifier=system|value``): nothing is created where it finds one.

        Returns:
            The resource as the server has it; only type, id and version where it gives no more.
        """
        headers = {"prefer": "return=representation"}
        headers |= {"if-none-exist": unless} if unless else {}
        call = Call(
            "POST",
            self._url(str(resource["resourceType"])),
            content=_body(resource),
            headers=headers,
            repeatable=unless is not None,
        )
        return await self._written(await self._wire.send(call), resource)

    async def update(self, resource: Mapping[str, Any], *, match: str | None = None) -> Resource:
        """Write the next version of a resource.

        Args:
            resource: with its id.
            match: version that it is based on; the server refuses (412) where there is a newer.
        """
        headers = {"prefer": "return=representation"}
        headers |= {"if-match": f'W/"{match}"'} if match else {}
        call = Call(
            "PUT",
            self._url(str(resource["resourceType"]), str(resource["id"])),
            content=_body(resource),
            headers=headers,
            repeatable=match is None,
        )
        return await self._written(await self._wire.send(call), resource)

    async def delete(self, kind: str, id_: str) -> None:
        """Delete a resource; one that is gone already is no error."""
        try:
            await self._wire.send(Call("DELETE", self._url(kind, id_)))
        except FhirRefusedError as error:
            if error.answered not in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
                raise

    async def transaction(self, bundle: Mapping[str, Any]) -> Resource:
        """Send a batch or transaction, and return the Bundle of what became of its entries."""
        call = Call("POST", self.base, content=_body(bundle), repeatable=False)
        return parse((await self._wire.send(call)).content)

    async def operation(
        self,
        name: str,
        *on: str,
        query: Parameters = (),
        body: Mapping[str, Any] | None = None,
        repeatable: bool = False,
    ) -> Resource:
        """Call an operation (``everything``) of the server, a type or a resource.

        Args:
            name: without the ``$``.
            on: nothing, a type, or a type and an id.
            query: parameters of the address.
            body: Parameters resource; the call is a GET where there is none.
            repeatable: whether it may be called twice; a GET always may.
        """
        url = "/".join((self.base, *(_segment(part) for part in on), f"${_segment(name)}"))
        text = urlencode(pairs(query))
        call = Call(
            "GET" if body is None else "POST",
            f"{url}?{text}" if text else url,
            content=None if body is None else _body(body),
            repeatable=repeatable or body is None,
        )
        return parse((await self._wire.send(call)).content)

    async def everything(self, patient: str) -> AsyncIterator[Resource]:
        """The record of one person, page by page (``Patient/$everything``)."""
        search = Search(self, "Patient", (), ignore, path=f"{_segment(patient)}/$everything")
        async for resource in search:
            yield resource

    def export(
        self,
        *,
        group: str | None = None,
        patients: bool = True,
        types: Sequence[str] = (),
        since: str | None = None,
        progress: Callable[[Progress], None] = ignore,
    ) -> BulkExport:
        """A Bulk Data export; see `BulkExport`.

        Args:
            group: id of the Group whose members are meant; all patients otherwise.
            patients: whether patients' records are meant, or all that the server has.
            types: resource types; all when empty.
            since: instant; only what changed after it.
            progress: called after each file.
        """
        path = f"Group/{_segment(group)}/" if group else "Patient/" if patients else ""
        query = [("_outputFormat", "application/fhir+ndjson")]
        query += [("_type", ",".join(types))] if types else []
        query += [("_since", since)] if since else []
        kick_off = f"{self.base}/{path}$export?{urlencode(query)}"
        return BulkExport(self._wire, self.settings, kick_off, progress, valid=self.valid)

    async def get(self, url: str) -> Reply:
        """Get an address below the base, as a link of the server gave it."""
        return await self._wire.send(Call("GET", follow(self.base, url, current=self.base)))

    def _url(self, *parts: str) -> str:
        return "/".join((self.base, *(_segment(part) for part in parts)))

    async def _resource(self, reply: Reply) -> Resource:
        return await asyncio.to_thread(self._checked, reply.content)

    def _checked(self, content: bytes) -> Resource:
        resource = parse(content)
        if fault_of(resource, valid=self.valid) is not None:
            raise FhirAnswerError("The FHIR server gives a resource that is not valid R4.")
        return resource

    async def _written(self, reply: Reply, sent: Mapping[str, Any]) -> Resource:
        """What was written; many servers answer without a body, with the id in an address."""
        if reply.content.strip():
            found = parse(reply.content)
            if found["resourceType"] == sent["resourceType"]:
                return found
        location = reply.headers.get("location") or reply.headers.get("content-location") or ""
        kind, id_ = str(sent["resourceType"]), str(sent.get("id", ""))
        after = location.partition(f"/{kind}/")[2].split("/")
        made = {"resourceType": kind, "id": after[0] or id_}
        version = version_of(reply.headers.get("etag"))
        return made | ({"meta": {"versionId": version}} if version else {})


def _segment(part: str) -> str:
    if not _SEGMENT.fullmatch(part):
        raise FhirAnswerError("That is no type and no id of a resource.")
    return part


def _body(resource: Mapping[str, Any]) -> bytes:
    return jsontext.dumps(resource).encode()
