"""The entries of a transaction or batch, read before any of them is done."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import parse_qsl

from compliance.errors import CaretierError
from services.fhir import jsontext
from services.fhir.errors import (
    Fault,
    FhirEntryError,
    FhirFormatError,
    FhirRequestError,
    FhirUnreadableError,
)
from services.fhir.rest.negotiation import JSON, JSON_PATCH
from services.fhir.validate import ID, require_type

MAX_ENTRIES = 5_000
"""Most entries of one bundle."""
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
ORDER: Mapping[str, int] = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
"""The order in which the entries of a transaction are done; those of one rank as they come."""
_HEADERS = {
    "ifMatch": "if-match",
    "ifNoneMatch": "if-none-match",
    "ifModifiedSince": "if-modified-since",
    "ifNoneExist": "if-none-exist",
}


@dataclass(frozen=True)
class Step:
    """An entry.

    Attributes:
        number: its place in the bundle, from 0.
        method: HTTP verb.
        url: address below the base, with its query.
        headers: conditions, as HTTP headers in small letters.
        full_url: name by which others refer to it; "" for none.
        resource: as Python values with Decimals; None where the verb takes none.
        base: absolute URL of ``/fhir``.
    """

    number: int
    method: Method
    url: str
    headers: Mapping[str, str]
    full_url: str = ""
    resource: Any = None
    base: str = ""

    @property
    def kind(self) -> str:
        """Type of resource that the address names."""
        return self.url.partition("?")[0].split("/")[0]

    @property
    def identity(self) -> str | None:
        """Id that the address names."""
        parts = self.url.partition("?")[0].split("/")
        return parts[1] if len(parts) > 1 else None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Condition of the entry, as names and values."""
        condition = self.url.partition("?")[2]
        if self.method == "POST":
            condition = self.headers.get("if-none-exist", "").lstrip("?")
        return parse_qsl(condition, keep_blank_values=True)

    @property
    def body(self) -> bytes:
        """What the verb takes, as bytes.

        Raises:
            FhirFormatError: a patch that is no JSON Patch in a Binary.
        """
        if self.method == "PATCH":
            return _patch(self.resource)
        return b"" if self.resource is None else jsontext.dumps(self.resource).encode()

    @property
    def content_type(self) -> str:
        """Media type of `body`."""
        return JSON_PATCH if self.method == "PATCH" else JSON


@contextmanager
def entry(number: int) -> Iterator[None]:
    """Let an error say in which entry it is."""
    try:
        yield
    except FhirEntryError:
        raise
    except CaretierError as error:
        raise FhirEntryError(number, error) from error


def read_bundle(body: bytes) -> tuple[str, list[Any]]:
    """Read a bundle; return its type and entries as they are.

    Raises:
        FhirUnreadableError: it is no JSON.
        FhirRequestError: it is no transaction or batch.
    """
    try:
        bundle = jsontext.loads_strict(body, exact=True)
    except jsontext.JsonError as error:
        raise FhirUnreadableError((Fault("Bundle", str(error)),)) from None
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise FhirRequestError("what is sent to the base is a Bundle")
    kind = bundle.get("type")
    if kind not in {"transaction", "batch"}:
        raise FhirRequestError("the Bundle is neither a transaction nor a batch")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise FhirRequestError(f"a bundle has at most {MAX_ENTRIES} entries")
    return kind, entries


def read_step(number: int, item: Any, base: str) -> Step:
    """Read an entry.

    Args:
        number: its place.
        item: as it stands in the bundle.
        base: absolute URL of ``/fhir``; entries may name addresses with it or without.

    Raises:
        FhirEntryError: it cannot be understood.
    """
    with entry(number):
        request = item.get("request") if isinstance(item, dict) else None
        if not isinstance(request, dict):
            raise FhirRequestError("it has no request")
        method, url = request.get("method"), request.get("url")
        if method not in ORDER or not isinstance(url, str):
            raise FhirRequestError("its request has no method or no url")
        headers = {_HEADERS[name]: value for name, value in request.items() if name in _HEADERS}
        full_url = item.get("fullUrl", "")
        if not all(isinstance(text, str) for text in (full_url, *headers.values())):
            raise FhirRequestError("its request is not of texts")
        resource = item.get("resource")
        if (method in {"POST", "PUT", "PATCH"}) is not isinstance(resource, dict):
            raise FhirRequestError("POST, PUT and PATCH have a resource, the others none")
        path = url.removeprefix(base).lstrip("/")
        return Step(number, cast("Method", method), path, headers, full_url, resource, base)


def require_sound(step: Step) -> None:
    """Refuse an address that no write could have.

    Raises:
        FhirUnknownTypeError: it names no resource type.
        FhirRequestError: it is not of the verb.
    """
    require_type(step.kind)
    path = step.url.partition("?")[0]
    if step.method == "POST":
        sound = step.url == step.kind  # a condition stands in ifNoneExist
    elif step.identity is None:
        sound = bool(step.pairs)
    else:
        sound = path.count("/") == 1 and bool(ID.fullmatch(step.identity)) and not step.pairs
    if not sound:
        raise FhirRequestError("its url is not one for its method")


def _patch(resource: Any) -> bytes:
    if resource.get("resourceType") != "Binary" or resource.get("contentType") != JSON_PATCH:
        raise FhirFormatError(f"a patch is a Binary of {JSON_PATCH}", 415)
    try:
        return base64.b64decode(str(resource.get("data", "")), validate=True)
    except (binascii.Error, ValueError):
        raise FhirRequestError("the data of the Binary is not base64") from None
