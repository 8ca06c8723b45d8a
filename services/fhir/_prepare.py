"""From what a caller sends to what the store writes: parsed, checked, with its index rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.fhir import jsontext
from services.fhir.errors import Fault, FhirInvalidError
from services.fhir.references import Link, Token, links, tokens
from services.fhir.results import Content, LoadReport, Sourced
from services.fhir.validate import check


@dataclass(frozen=True)
class Prepared:
    """A checked resource: its text, the SHA-256 of the text in hex, and what it is indexed by."""

    type: str
    id: str
    text: str
    digest: str
    links: tuple[Link, ...]
    tokens: tuple[Token, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Type and id."""
        return self.type, self.id


def accepted(
    batch: Sequence[Content | Sourced], before: int, report: LoadReport
) -> Iterator[tuple[tuple[str, str], Prepared]]:
    """Yield the good resources of ``batch`` by key, and note the others in ``report``."""
    for number, item in enumerate(batch, before + 1):
        sourced = item if isinstance(item, Sourced) else Sourced(f"item {number}", item)
        try:
            prepared = prepare(sourced.content)
        except FhirInvalidError as error:
            report.rejected.append((sourced.origin, error.message))
        else:
            yield prepared.key, prepared


def prepare(content: Content) -> Prepared:
    """Parse and check ``content``; raise FhirInvalidError if it is not a resource of R4."""
    try:
        text = content if isinstance(content, str | bytes) else jsontext.dumps(content)
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        resource = jsontext.loads(text)
        digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
        check(resource)
    except (ValueError, TypeError, RecursionError) as error:
        fault = Fault("resource", f"is not JSON ({type(error).__name__})")
        raise FhirInvalidError((fault,)) from error
    kind, identity = resource["resourceType"], resource["id"]
    return Prepared(kind, identity, text, digest, links(resource), tokens(resource))


def reference_rows(item: Prepared) -> Iterator[dict[str, Any]]:
    """Yield the rows of `ReferenceRow` for ``item``; "" stands for no value."""
    for link in item.links:
        yield {
            "source_type": item.type,
            "source_id": item.id,
            "path": link.path[:200],
            "target_type": link.target_type,
            "target_id": link.target_id or "",
            "identifier": link.identifier or "",
            "compartment": int(link.compartment),
        }


def token_rows(item: Prepared) -> Iterator[dict[str, Any]]:
    """Yield the rows of `TokenRow` for ``item``."""
    for token in item.tokens:
        yield {
            "source_type": item.type,
            "source_id": item.id,
            "parameter": token.parameter,
            "system": token.system,
            "code": token.code,
        }
