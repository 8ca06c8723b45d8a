"""From what a caller sends to what the store writes: parsed, checked, with its index rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.fhir import jsontext
from services.fhir.errors import Fault, FhirInvalidError, FhirRequestError, FhirUnreadableError
from services.fhir.models import Base
from services.fhir.results import Content, LoadReport, Sourced
from services.fhir.search.index import index_rows
from services.fhir.validate import check

IndexRows = Mapping[type[Base], Sequence[Mapping[str, Any]]]
"""The rows of each table by which a resource is found."""


@dataclass(frozen=True)
class Prepared:
    """A checked resource: its text, the SHA-256 of the text in hex, and its index rows."""

    type: str
    id: str
    text: str
    digest: str
    rows: IndexRows

    @property
    def key(self) -> tuple[str, str]:
        """Type and id."""
        return self.type, self.id


def accepted(
    batch: Sequence[Content | Sourced], before: int, report: LoadReport, base: str = ""
) -> Iterator[tuple[tuple[str, str], Prepared]]:
    """Yield the good resources of ``batch`` by key, and note the others in ``report``."""
    for number, item in enumerate(batch, before + 1):
        sourced = item if isinstance(item, Sourced) else Sourced(f"item {number}", item)
        try:
            prepared = prepare(sourced.content, base=base)
        except FhirInvalidError as error:
            report.rejected.append((sourced.origin, error.message))
        else:
            yield prepared.key, prepared


def prepare(
    content: Content,
    identity: str | None = None,
    at: tuple[str, str | None] | None = None,
    base: str = "",
) -> Prepared:
    """Parse, check and index a resource.

    Args:
        content: JSON text, kept as it is, or Python values.
        identity: the id that it gets, whatever it has.
        at: type and id of the address that it was sent to; the id None for any.
        base: absolute URL of this server; references below it are its own.

    Raises:
        FhirInvalidError: it is not a resource of R4.
        FhirRequestError: it is another one than the address says.
    """
    try:
        text = content if isinstance(content, str | bytes) else jsontext.dumps(content)
        resource = jsontext.loads_strict(text)
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        if isinstance(resource, dict):
            _require_at(resource, at)
            if identity is not None:
                text = jsontext.with_id(text, identity)
                resource["id"] = identity
        digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
        check(resource)
    except jsontext.JsonError as error:
        raise FhirUnreadableError((Fault("resource", str(error)),)) from None
    except (ValueError, TypeError, RecursionError) as error:
        fault = Fault("resource", f"is not JSON ({type(error).__name__})")
        raise FhirInvalidError((fault,)) from error
    rows = index_rows(resource, base)
    return Prepared(resource["resourceType"], resource["id"], text, digest, rows)


def _require_at(resource: Mapping[str, Any], at: tuple[str, str | None] | None) -> None:
    if at is None:
        return
    kind, identity = at
    if resource.get("resourceType") != kind:
        raise FhirRequestError("the resource is not of the type of this address")
    if identity is not None and resource.get("id") != identity:
        raise FhirRequestError("the id of the resource is not that of this address")
