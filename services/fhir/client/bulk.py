"""Bulk Data export: asked for, waited for, read line by line, and deleted at the server afterwards.

The export is iterated over once. A file that breaks off is taken up again where its last whole line
ended; a file that cannot be had, and each line that is no valid resource, is a failure, and the
others come all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from services.fhir import jsontext
from services.fhir.client.answers import Failure, Resource, fault_of, issue_codes, parse
from services.fhir.client.deletions import deletions
from services.fhir.client.downloads import Download
from services.fhir.client.errors import FhirAnswerError, FhirAwayError, FhirServerError
from services.fhir.client.links import same_origin
from services.fhir.client.pace import retry_after
from services.fhir.client.searching import Progress, ignore
from services.fhir.client.settings import ClientSettings
from services.fhir.client.wire import Call, Reply, Wire

BATCH = 200
"""Lines that are checked in one go."""


@dataclass(frozen=True)
class File:
    """A file of a manifest: its type, its address, and its lines where the server counts them."""

    kind: str
    url: str
    count: int | None


class BulkExport:
    """One export.

    Args:
        wire: makes the calls.
        settings: limits.
        kick_off: address that starts it.
        progress: called after each file.
        valid: whether what is no valid R4 is a failure.

    Attributes:
        failures: what could not be had so far.
        deleted: ``Type/id`` of what was deleted since the instant that was asked for.
        instant: of the server, at which the export stands (``transactionTime``).
        complete: whether every file was read to its end.
    """

    def __init__(
        self,
        wire: Wire,
        settings: ClientSettings,
        kick_off: str,
        progress: Callable[[Progress], None] = ignore,
        *,
        valid: bool = True,
    ) -> None:
        self._valid = valid
        self._wire, self._settings, self._kick_off = wire, settings, kick_off
        self._progress = progress
        self._tokened = True
        self._status: str | None = None
        self._read = 0
        self.failures: list[Failure] = []
        self.deleted: list[str] = []
        self.instant: str | None = None
        self.complete = False

    async def __aiter__(self) -> AsyncIterator[Resource]:
        """Yield the resources.

        Raises:
            FhirRefusedError: the server makes no export.
            FhirAwayError: it is not ready in time.
            FhirAnswerError: its manifest cannot be used.
        """
        broken = False
        try:
            await self._start()
            manifest = await self._ready()
            for file in _files(manifest, "deleted"):
                async for bundle in self._resources(file, check=False):
                    self.deleted += deletions(bundle)
            for number, file in enumerate(_files(manifest, "output"), 1):
                try:
                    async for resource in self._resources(file, check=True):
                        yield resource
                except FhirServerError as error:
                    broken = True
                    code = str(getattr(error, "code", error.kind))
                    self.failures.append(Failure(file.kind, code, error.passing))
                self._progress(Progress(number, self._read))
            for file in _files(manifest, "error"):
                await self._told(file)
            self.complete = not broken
        finally:
            await self._delete()

    async def _start(self) -> None:
        headers = {"prefer": "respond-async"}
        call = Call("GET", self._kick_off, headers=headers, repeatable=False)
        reply = await self._wire.send(call)
        where = reply.headers.get("content-location") or reply.headers.get("location")
        if not where:
            raise FhirAnswerError("The FHIR server does not say where its export will be.")
        self._status = same_origin(self._kick_off, where)

    async def _ready(self) -> Resource:
        end = asyncio.get_running_loop().time() + self._settings.bulk_seconds
        headers = {"accept": "application/json"}
        while self._status is not None:
            reply = await self._wire.send(Call("GET", self._status, headers=headers))
            if reply.status != httpx.codes.ACCEPTED:
                return self._manifest(reply)
            wait = retry_after(reply.headers)
            wait = self._settings.poll if wait is None else min(max(wait, 0.05), 300.0)
            if asyncio.get_running_loop().time() + wait > end:
                break
            await asyncio.sleep(wait)
        raise FhirAwayError("The FHIR server does not end its export in time.")

    def _manifest(self, reply: Reply) -> dict[str, Any]:
        try:
            said = jsontext.loads(reply.content)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or not isinstance(said.get("output"), list):
            codes = issue_codes(reply.content)
            told = f" ({', '.join(codes)})" if codes else ""
            raise FhirAnswerError(f"The FHIR server's export has no manifest{told}.")
        instant = said.get("transactionTime")
        self.instant = instant if isinstance(instant, str) else None
        self._tokened = said.get("requiresAccessToken") is not False
        return said

    async def _resources(self, file: File, *, check: bool) -> AsyncIterator[Resource]:
        """The resources of a file; lines that are none are failures."""
        lines = 0
        batch: list[bytes] = []
        async for line in self._lines(file):
            lines += 1
            batch.append(line)
            if len(batch) == BATCH:
                for resource in await asyncio.to_thread(self._parsed, file, batch, check):
                    yield resource
                batch = []
        for resource in await asyncio.to_thread(self._parsed, file, batch, check):
            yield resource
        if file.count is not None and lines < file.count:
            self.failures.append(Failure(file.kind, "incomplete", passing=True))

    def _lines(self, file: File) -> AsyncIterator[bytes]:
        url = file.url if "://" in file.url else same_origin(self._kick_off, file.url)
        if self._tokened:  # the token is for this server, whatever its manifest names
            url = same_origin(self._kick_off, url)
        return Download(self._wire, self._settings, url, tokened=self._tokened).lines()

    def _parsed(self, file: File, lines: list[bytes], check: bool) -> list[Resource]:
        found = []
        for line in lines:
            try:
                resource = parse(line)
            except FhirAnswerError:
                self.failures.append(Failure(file.kind, "structure"))
                continue
            fault = fault_of(resource, valid=self._valid) if check else None
            if fault is not None:
                self.failures.append(fault)
            else:
                found.append(resource)
        self._read += len(found)
        return found

    async def _told(self, file: File) -> None:
        """What the server says that it could not export; only the kinds of it are kept."""
        with suppress(FhirServerError):
            async for line in self._lines(file):
                codes = issue_codes(line) or ("exception",)
                self.failures.append(Failure("export", codes[0]))

    async def _delete(self) -> None:
        if self._status is not None:
            with suppress(FhirServerError):
                await self._wire.send(Call("DELETE", self._status))
            self._status = None


def _files(manifest: dict[str, Any], key: str) -> Iterator[File]:
    items = manifest.get(key)
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(item.get("url"), str):
            kind, count = item.get("type"), item.get("count")
            kind = kind if isinstance(kind, str) and kind.isalpha() else "file"
            yield File(kind, item["url"], count if isinstance(count, int) else None)
