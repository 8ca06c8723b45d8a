"""The records that may be connected, as the device's owner lists them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from compliance.errors import BadInputError

_PARTS = 3


@dataclass(frozen=True)
class Place:
    """A FHIR server that offers a person their own record.

    Attributes:
        name: as people know it.
        base: address of its FHIR API, without a final slash.
        client_id: of this program there.
        origins: that may be called for it: of ``base``, and of its authorization server.
    """

    name: str
    base: str
    client_id: str
    origins: tuple[str, ...]

    @property
    def id(self) -> str:
        """Short name of the place, from its address."""
        return hashlib.sha256(self.base.encode()).hexdigest()[:8]


def places_of(text: str) -> Mapping[str, Place]:
    """Read ``name|base|client id[|further origin…]``, one a place, separated by semicolons.

    Raises:
        BadInputError: an entry has not this form.
    """
    made = (_place(entry) for entry in text.split(";") if entry.strip())
    return {place.id: place for place in made}


def _place(entry: str) -> Place:
    parts = [part.strip() for part in entry.split("|")]
    address = urlsplit(parts[1]) if len(parts) >= _PARTS else None
    if address is None or not (address.hostname and all(parts)):
        raise BadInputError(
            "CARETIER_DEVICE_RECORDS cannot be read.",
            remedy="Write name|https://ehr.example.org/fhir|client-id, separated by semicolons.",
        )
    own = f"{address.scheme}://{address.netloc}"
    return Place(parts[0], parts[1].rstrip("/"), parts[2], (own, *parts[3:]))


def origins_of(places: Iterable[Place]) -> list[str]:
    """Every origin that may be called for them."""
    return sorted({origin for place in places for origin in place.origins})
