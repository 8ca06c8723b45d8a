"""Where the lines of an import come from: the body of the request, or addresses that it names."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from fastapi import Request

from services.fhir import jsontext
from services.fhir.bulk.files import private_file
from services.fhir.errors import FhirFormatError, FhirParameterError
from services.fhir.results import Sourced
from services.fhir.validate import resource_types
from services.web.outbound import Outbound, OutboundFailedError

NDJSON = "application/fhir+ndjson"
BODY = frozenset({NDJSON, "application/ndjson", "application/x-ndjson"})
MAX_BYTES = 1 << 30
"""Most of one file, in bytes."""
MAX_LINE = 4 << 20
"""Longest line that is read, in bytes."""
MAX_INPUTS = 100
FETCH_SECONDS = 600.0
RECEIVED = "received.ndjson"
_PIECE = 1 << 20


@dataclass(frozen=True)
class Input:
    """One file of an import: its address, and the type that all of its resources are to have."""

    url: str
    type: str = ""


@dataclass(frozen=True)
class Inputs:
    """What an import was asked to take; without addresses, what came with the request."""

    inputs: tuple[Input, ...] = ()

    def dump(self) -> str:
        """Write it as JSON."""
        return jsontext.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Self:
        """Read what `dump` wrote."""
        return cls(tuple(Input(**one) for one in jsontext.loads(text)["inputs"]))


def read_inputs(body: Any, outbound: Outbound) -> Inputs:
    """The addresses that a Parameters resource names, each judged before anything is begun.

    Raises:
        FhirParameterError: there are none, or something of it cannot be used.
        OutboundRefusedError: one may not be called from here.
    """
    if not isinstance(body, Mapping) or body.get("resourceType") != "Parameters":
        raise FhirParameterError("the body must be NDJSON, or a Parameters resource")
    found = []
    for item in body.get("parameter", ()):
        name = item.get("name") if isinstance(item, Mapping) else None
        if name == "inputFormat" and _value(item) not in BODY:
            raise FhirParameterError(f"inputFormat must be {NDJSON}")
        if name == "input":
            found.append(_input(item.get("part", ())))
        elif name not in {"inputFormat", "inputSource", "storageDetail"}:
            raise FhirParameterError("a parameter is not known")
    if not 0 < len(found) <= MAX_INPUTS:
        raise FhirParameterError(f"an import has 1 to {MAX_INPUTS} inputs")
    for one in found:
        outbound.check(one.url)
    return Inputs(tuple(found))


def _value(item: Mapping[str, Any]) -> str:
    return next((str(v) for k, v in item.items() if re.fullmatch(r"value[A-Z]\w+", k)), "")


def _input(parts: Sequence[Any]) -> Input:
    given = {str(part.get("name")): _value(part) for part in parts if isinstance(part, Mapping)}
    if not given.get("url") or set(given) - {"url", "type"}:
        raise FhirParameterError("an input has a url, and the type of its resources")
    if given.get("type", "Patient") not in resource_types():
        raise FhirParameterError("the type of an input must be a resource type")
    return Input(given["url"], given.get("type", ""))


def is_body(content_type: str) -> bool:
    """Whether a request brings the lines itself."""
    return content_type.partition(";")[0].strip().lower() in BODY


async def receive(request: Request, folder: Path) -> None:
    """Write the body of a request into ``folder`` as it comes.

    Raises:
        FhirFormatError: it is packed.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise FhirFormatError("send the lines as they are, not packed", 415)
    with private_file(folder / RECEIVED) as file:
        async for piece in request.stream():
            await asyncio.to_thread(file.write, piece)


async def fetch(url: str, outbound: Outbound, path: Path) -> None:
    """Write what an address gives to a file.

    Raises:
        OutboundRefusedError: it may not be called from here, or gives too much.
        OutboundFailedError: it does not give it.
    """
    async with (
        outbound.client(timeout=FETCH_SECONDS, cap=MAX_BYTES) as client,
        client.stream("GET", url, headers={"accept": NDJSON}) as answer,
    ):
        if answer.status_code != 200:  # noqa: PLR2004
            raise OutboundFailedError("An address of an input does not give it.")
        with private_file(path) as file:
            async for piece in _pieces(answer):
                await asyncio.to_thread(file.write, piece)


async def _pieces(answer: Any) -> AsyncIterator[bytes]:
    async for piece in answer.aiter_bytes(_PIECE):
        yield piece


def lines(path: Path, name: str) -> Iterator[Sourced]:
    """Yield each line of a file that is not empty, with where it stands."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE + 1)
                yield Sourced(f"{name}:{number}", b"")  # no resource is that long
            elif content := line.strip():
                yield Sourced(f"{name}:{number}", content)
