"""Who the patient of a launch is in the record here.

An id alone names nobody across two records. Either the resource came from that very EHR
(`services.hospital.ehr`), or the ids are the same on both sides and both records say the same of
the person: the birth date and one identifier. Else nobody's chart is opened.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from services.fhir.client import ClientSettings, FhirClient, FhirServerError, FixedToken, Grant
from services.fhir.store import FhirStore
from services.fhir.validate import ID
from services.hospital.models import EhrConnection, EhrResource
from services.store.database import Database
from services.web.outbound import Outbound, OutboundRefusedError

BRIEF = ClientSettings(timeout=10.0, deadline=12.0, attempts=2)
"""Somebody waits before the screen."""
_LOG = logging.getLogger("caretier.hospital.launching")


class LaunchedPatients:
    """Finds the patients of launches.

    Args:
        database: of the hospital.
        records: its record.
        outbound: the only way to the EHR.
    """

    def __init__(self, database: Database, records: FhirStore, outbound: Outbound) -> None:
        self._database, self._records, self._outbound = database, records, outbound

    async def here(self, base: str, grant: Grant) -> str | None:
        """The id here of the patient in context; None where they are not known for certain."""
        there = grant.patient or ""
        if not ID.fullmatch(there):
            return None
        came = await run_in_threadpool(self._came, base, there)
        if came is not None:
            return came
        ours = await run_in_threadpool(self._records.read, "Patient", there)
        if ours is None:
            return None
        try:
            tokens = FixedToken(grant.access)
            async with FhirClient(base, self._outbound, tokens, settings=BRIEF) as ehr:
                theirs = await ehr.read("Patient", there)
        except (FhirServerError, OutboundRefusedError) as error:
            _LOG.warning("launch: patient not read (%s)", type(error).__name__)
            return None
        return there if same_person(ours, theirs) else None

    def _came(self, base: str, there: str) -> str | None:
        query = (
            select(EhrResource.local)
            .join(EhrConnection, EhrConnection.name == EhrResource.connection)
            .where(
                EhrConnection.base == base,
                EhrResource.type == "Patient",
                EhrResource.source == there,
            )
            .order_by(EhrConnection.name)
        )
        with self._database.reading() as session:
            return session.scalar(query)


def same_person(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two Patients of the same id have the same birth date and an identifier in common."""
    born = one.get("birthDate")
    return born is not None and born == other.get("birthDate") and bool(_named(one) & _named(other))


def _named(patient: Mapping[str, Any]) -> set[tuple[str, str]]:
    listed = patient.get("identifier", ())
    pairs = ((i.get("system"), i.get("value")) for i in listed if isinstance(i, Mapping))
    return {(s, v) for s, v in pairs if isinstance(s, str) and isinstance(v, str)}
