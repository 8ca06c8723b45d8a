"""The EHRs that may launch the portal, and what each of them says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compliance.errors import BadInputError
from services.fhir.client import FhirSignInError, SmartConfiguration, smart_configuration
from services.fhir.client.links import clean_base
from services.hospital.launching.errors import UnknownEhrError
from services.web.outbound import Outbound


@dataclass(frozen=True)
class LaunchingEhr:
    """One EHR: address of its FHIR server, and our client id there."""

    base: str
    client_id: str


class LaunchingEhrs:
    """Those that an operator listed.

    Args:
        listed: ``iss|client id``, separated by semicolons.

    Raises:
        BadInputError: that is no such list.
        OutboundRefusedError: an address is none.
    """

    def __init__(self, listed: str) -> None:
        self._known = _read(listed)

    def get(self, iss: str) -> LaunchingEhr:
        """The EHR of an address.

        Raises:
            UnknownEhrError: it is not listed.
        """
        base = iss.rstrip("/")
        if base not in self._known:
            raise UnknownEhrError("No launch is agreed with this EHR.")
        return LaunchingEhr(base, self._known[base])


@dataclass(frozen=True)
class Issuer:
    """Who says who people are at an EHR: its name, and its public keys."""

    name: str
    keys: object


async def configuration_of(outbound: Outbound, ehr: LaunchingEhr) -> SmartConfiguration:
    """Where an EHR's codes and tokens come from.

    Raises:
        FhirServerError: it does not say.
        OutboundRefusedError: an operator has not listed its origin, or that to which people go.
    """
    outbound.check(ehr.base)
    found = await smart_configuration(outbound, ehr.base)
    if found.authorize is not None:
        outbound.check(found.authorize)
    return found


async def issuer_of(outbound: Outbound, ehr: LaunchingEhr, smart: SmartConfiguration) -> Issuer:
    """The issuer of an EHR's ID tokens; older servers, that name none, are it themselves.

    Raises:
        FhirSignInError: it describes itself as another one.
        OutboundRefusedError: its origin is not listed.
        OutboundFailedError: it does not answer.
    """
    name = smart.issuer or ehr.base
    url = f"{name.rstrip('/')}/.well-known/openid-configuration"
    said: Any = await outbound.get_json(url)
    keys = said.get("jwks_uri") if isinstance(said, dict) else None
    if not isinstance(keys, str) or said.get("issuer") != name:
        raise FhirSignInError("The issuer of the EHR describes itself as another one.")
    return Issuer(name, await outbound.get_json(keys))


def _read(listed: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in listed.split(";"))):
        base, _, client = (part.strip() for part in entry.partition("|"))
        if not client or "|" in client or clean_base(base) in found:
            raise BadInputError("EHRs that launch the portal are listed as iss|client id; …")
        found[clean_base(base)] = client
    return found
