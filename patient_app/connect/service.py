"""The connections of the people on this device."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

from compliance.audit import AuditTrail, acts
from compliance.errors import CaretierError, DisclosureRefusedError
from patient_app.connect.errors import BusyError, LaunchOverError, NoPlaceError
from patient_app.connect.places import Place, origins_of, places_of
from patient_app.connect.reading import read_record
from patient_app.connect.sending import SCOPE as SENDS
from patient_app.connect.sending import hand_over, may_send, may_take_back, take_back
from patient_app.connect.storing import KIND, keep_grant, now, put, remove, store
from patient_app.member import Member
from patient_app.own_data import by_person, pseudonym
from patient_app.trouble import problem_in
from services.fhir.client import FhirClient, Grant, GrantTokens, SmartConfiguration, launch
from services.fhir.client.discovery import smart_configuration
from services.web.outbound import Outbound, OutboundRefusedError

WAITS_SECONDS = 300.0
"""How long a person may take to allow a connection."""
_LOG = logging.getLogger("caretier.device")


@dataclass(frozen=True)
class _Waiting:
    person: str
    place: Place
    smart: SmartConfiguration
    begun: launch.Begun
    until: float


@dataclass
class _Run:
    """A reading: how far it is, and how it ended."""

    progress: dict[str, Any] = field(default_factory=dict)
    problem: CaretierError | None = None
    task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether it goes on."""
        return self.task is not None and not self.task.done()


class Connections:
    """Connects, reads and disconnects.

    Args:
        records: the places that may be connected (see `places_of`).
        audit: of this device; what cannot be written down is not done.
        private: whether they may be on this machine or in a private network.
    """

    def __init__(self, records: str, audit: AuditTrail, *, private: bool = False) -> None:
        self._audit = audit
        self.places: Mapping[str, Place] = places_of(records)
        self._outbound = Outbound(origins_of(self.places.values()), private=private)
        self._waiting: dict[str, _Waiting] = {}
        self._runs: dict[tuple[str, str], _Run] = {}

    def listing(self, member: Member) -> list[dict[str, Any]]:
        """Every place with how the person's connection to it stands; no tokens."""
        return [self._described(member, place) for place in self.places.values()]

    def _described(self, member: Member, place: Place) -> dict[str, Any]:
        kept = member.vault.get(KIND, place.id)
        run = self._runs.get((member.id, place.id), _Run())
        told: dict[str, Any] = {"id": place.id, "name": place.name, "address": place.base}
        told |= {"connected": kept is not None, "busy": run.busy}
        told |= {"progress": run.progress, "problem": _problem(member, run.problem)}
        if kept is not None:
            told |= {name: kept[name] for name in ("since", "read", "failures")}
            told["count"] = len(kept["keys"])
        scope = kept["grant"]["scope"] if kept is not None else ""
        told |= {"sends": may_send(scope), "takes_back": may_take_back(scope)}
        return told

    async def begin(self, member: Member, place: str, redirect: str) -> str:
        """Begin a connection; returns the address at which the person allows it.

        Args:
            member: whose record it is.
            place: id of the place.
            redirect: address of this device that the browser comes back to.

        Raises:
            NoPlaceError: no such place.
            FhirServerError: it cannot be connected to.
        """
        chosen = self._place(place)
        smart = await smart_configuration(self._outbound, chosen.base)
        scope = f"{launch.SCOPE} {SENDS}"
        begun = launch.begin(
            smart, chosen.base, client_id=chosen.client_id, redirect=redirect, scope=scope
        )
        now = time.monotonic()
        self._waiting = {s: w for s, w in self._waiting.items() if w.until > now}
        waiting = _Waiting(member.id, chosen, smart, begun, now + WAITS_SECONDS)
        self._waiting[begun.state] = waiting
        return begun.url

    async def finish(self, member: Member, answer: Mapping[str, str]) -> str:
        """Take what the browser brought back, and begin to read; returns the place's id.

        Raises:
            LaunchOverError: it belongs to nothing that this person began.
            FhirServerError: it was not allowed, or the server gives no token.
        """
        waiting = self._waiting.get(answer.get("state", ""))
        if waiting is None or waiting.until < time.monotonic() or waiting.person != member.id:
            raise LaunchOverError("This connection was not begun here, or too long ago.")
        del self._waiting[answer["state"]]
        grant = await launch.finish(self._outbound, waiting.smart, waiting.begun, answer)
        if grant.patient is None:
            raise LaunchOverError("The server does not say whose record it is.")
        kept = member.vault.get(KIND, waiting.place.id) or {"keys": []}
        row = {
            **kept,
            "grant": asdict(grant) | {"extra": {}},
            "token_url": waiting.smart.token,
            "revoke_url": waiting.smart.revoke,
            "since": now(),
            "read": None,
            "failures": [],
        }
        await asyncio.to_thread(put, member, waiting.place.id, row)
        self.read(member, waiting.place.id)
        return waiting.place.id

    def read(self, member: Member, place: str) -> None:
        """Read the record again, in the background.

        Raises:
            NoPlaceError: it is not connected.
            BusyError: it is being read.
            AuditError: it could not be written down; nothing is read.
        """
        chosen = self._place(place)
        if member.vault.get(KIND, chosen.id) is None:
            raise NoPlaceError("That record is not connected.")
        run = self._runs.get((member.id, chosen.id))
        if run is not None and run.busy:
            raise BusyError("That record is being read.")
        self._audit.record(acts.read(by_person(member), f"outside-record:{chosen.id}"))
        run = self._runs[member.id, chosen.id] = _Run()
        run.task = asyncio.create_task(self._reading(member, chosen, run))

    async def _reading(self, member: Member, place: Place, run: _Run) -> None:
        try:
            kept = await asyncio.to_thread(member.vault.get, KIND, place.id)
            patient = str(kept["grant"]["patient"])
            async with self._client(member, place, kept) as client:
                found = await read_record(client, patient, run.progress.update)
            await asyncio.to_thread(store, member, place, patient, found)
        except CaretierError as error:
            run.problem = error
        except Exception as error:  # noqa: BLE001 - the page must hear that it failed
            _LOG.error("unexpected %s while reading a record", type(error).__name__)
            run.problem = CaretierError("The record could not be read.", remedy="Try again.")

    def _client(self, member: Member, place: Place, kept: Mapping[str, Any]) -> FhirClient:
        """A client that speaks for the person, and keeps renewed grants."""
        tokens = GrantTokens(
            self._outbound,
            Grant(**kept["grant"]),
            client_id=place.client_id,
            token_url=kept["token_url"],
            keep=lambda fresh: asyncio.to_thread(keep_grant, member, place.id, fresh),
        )
        return FhirClient(place.base, self._outbound, tokens)

    async def send(
        self, member: Member, place: str, response: Mapping[str, Any]
    ) -> tuple[str, str]:
        """Create a person's answers before a visit in a connected record.

        Args:
            member: whose; everything else that is sent elsewhere goes without their name, this
                goes with it.
            place: id of the place.
            response: a QuestionnaireResponse, complete, with its identifier (see `named`).

        Returns:
            The place's name, and the id that the answers have there.

        Raises:
            NoPlaceError: it is not connected, or takes no answers.
            DisclosureRefusedError: the person wants nothing to leave.
            AuditError: it could not be written down; nothing is sent.
            BadInputError, FhirServerError: see `patient_app.connect.sending.hand_over`.
        """
        chosen, kept = await self._granted(member, place, may_send)
        if member.profile["local_only"]:
            raise DisclosureRefusedError(
                "You chose that nothing leaves this device.",
                remedy="Change that in the settings, or hand your answers over as a file.",
            )
        patient, keys = str(kept["grant"]["patient"]), frozenset(kept["keys"])
        self._export(member, chosen)
        async with self._client(member, chosen, kept) as client:
            there = await hand_over(client, response, patient=patient, place=chosen.id, keys=keys)
        return chosen.name, there

    async def take_back(self, member: Member, place: str, there: str) -> None:
        """Mark answers in a connected record as entered in error.

        Args:
            member: whose.
            place: id of the place.
            there: id that the answers have there.

        Raises:
            NoPlaceError: it is not connected, or lets nothing be altered.
            AuditError: it could not be written down; nothing is altered.
            FhirServerError: the server refused, or gave no answer.
        """
        chosen, kept = await self._granted(member, place, may_take_back)
        self._export(member, chosen)
        async with self._client(member, chosen, kept) as client:
            await take_back(client, there)

    async def _granted(
        self, member: Member, place: str, may: Callable[[str], bool]
    ) -> tuple[Place, Mapping[str, Any]]:
        """A connected place whose grant covers what is asked."""
        chosen = self._place(place)
        kept = await asyncio.to_thread(member.vault.get, KIND, chosen.id)
        if kept is None or not may(kept["grant"]["scope"]):
            raise NoPlaceError("That record takes no answers from this device.")
        return chosen, kept

    def _export(self, member: Member, place: Place) -> None:
        what = f"outside-record:{place.id}"
        self._audit.record(acts.export(by_person(member), pseudonym(member), what=what))

    async def disconnect(self, member: Member, place: str, *, keep: bool) -> None:
        """End a connection here and, as far as it answers, at the server.

        Args:
            member: whose.
            place: id of the place.
            keep: whether what was read stays in the vault.

        Raises:
            NoPlaceError: it is not connected.
        """
        chosen = self._place(place)
        if member.vault.get(KIND, chosen.id) is None:
            raise NoPlaceError("That record is not connected.")
        what = f"outside-record:{chosen.id}"
        self._audit.record(acts.erase(by_person(member), pseudonym(member), what=what))
        run = self._runs.pop((member.id, chosen.id), None)
        if run is not None and run.task is not None:
            run.task.cancel()
        kept = await asyncio.to_thread(remove, member, chosen.id, keep=keep)
        if kept is not None:
            await self._revoke(chosen, kept)

    async def _revoke(self, place: Place, kept: Mapping[str, Any]) -> None:
        token = kept["grant"]["refresh"] or kept["grant"]["access"]
        if not kept["revoke_url"]:
            return
        form = {"token": token, "client_id": place.client_id}
        try:
            async with self._outbound.client() as http:
                await http.post(kept["revoke_url"], data=form)
        except (httpx.HTTPError, OutboundRefusedError):
            _LOG.warning("a token could not be revoked at its server; it is forgotten here")

    def _place(self, id_: str) -> Place:
        found = self.places.get(id_)
        if found is None:
            raise NoPlaceError("No such record can be connected from this device.")
        return found

    async def close(self) -> None:
        """Stop reading."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _problem(member: Member, error: CaretierError | None) -> dict[str, str] | None:
    if error is None:
        return None
    document = problem_in(error, member.profile["language"])
    return {"message": document["detail"], "remedy": document["remedy"]}
