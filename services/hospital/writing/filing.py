"""Files a signed reply in the record of the person whom the clinician chose, and takes it back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from compliance.errors import BadInputError
from compliance.sealing.encoding import canonical_json
from services.fhir._prepare import prepare
from services.fhir.access import Change, Disclosure
from services.fhir.models import ResourceRow
from services.fhir.store import FhirStore
from services.fhir.validate import ID
from services.hospital.audited import Auditor, Caller
from services.hospital.chart.summary import name_of
from services.hospital.desk import DeskItem
from services.hospital.errors import NotAllowedError
from services.hospital.models import User
from services.hospital.relations import Relations
from services.hospital.writing.errors import (
    NoOneToFileForError,
    NotFiledError,
    PreviewChangedError,
)
from services.hospital.writing.influence import influence
from services.hospital.writing.machines import Resource, ai_device, application, model_cards
from services.hospital.writing.reply import Reply, communication, provenance, withdrawal
from services.store.database import Database

LONGEST_REASON = 500
_UNSIGNED = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands in a preview for the moment of signing, which is not known yet."""
_SHARED = {"Device", "DocumentReference"}
"""Types of which one resource serves many replies."""
Beside = Callable[[Session, datetime], None]
"""What is done in the transaction of a signature, at its moment."""


@dataclass(frozen=True)
class Person:
    """Whose record is meant, as the clinician recognises them."""

    id: str
    name: str
    born: str | None


@dataclass(frozen=True)
class Preview:
    """What would be filed; ``token`` stands for exactly this and comes back with the signature."""

    person: Person
    resources: tuple[Resource, ...]
    token: str

    @property
    def labelled(self) -> bool:
        """Whether it says that software had a part in the words."""
        return _is_labelled(self.resources)


class Filings:
    """Replies in the record of one hospital. Nothing is written but in a signature's transaction.

    Args:
        database: of the hospital.
        store: its record.
        find: the Patient with a number, if exactly one has it.
        relations: who treats whom.
        auditor: writes down what is read and filed before it is.
        outside: called in the transaction with the id of what was filed; where the hospital's
            record is another system's it adds the job that sends it there.
    """

    def __init__(  # noqa: PLR0917 - what filing stands on
        self,
        database: Database,
        store: FhirStore,
        find: Callable[[str], str | None],
        relations: Relations,
        auditor: Auditor,
        outside: Callable[[Session, str], None] = lambda _session, _id: None,
    ) -> None:
        self._database, self._store, self._find = database, store, find
        self._relations, self._auditor, self._outside = relations, auditor, outside

    def person(self, user: User, number: str, client: str | None = None) -> Person:
        """The person with a number, if this clinician treats them; being told so is audited.

        Args:
            user: the clinician.
            number: id of the Patient, or an identifier as recorded.
            client: network address of the clinician.

        Raises:
            NoOneToFileForError: nobody, two people, or somebody whom they do not treat.
            AuditError: it could not be written down.
        """
        found = self._find(number)
        self._require(user, found, client)
        patient = self._store.read("Patient", str(found)) or {}
        told = Disclosure("read", f"Patient/{found}", (str(found),))
        self._auditor.fhir(Caller.user(user.id, user.role, client), told)
        return Person(str(found), name_of(patient), patient.get("birthDate"))

    def preview(self, item: DeskItem, text: str, person: Person, user: User) -> Preview:
        """What would be filed if this text were signed now."""
        resources = _resources(item, text, person.id, user, _UNSIGNED)
        shown = {"version": item.version, "user": user.id, "resources": resources}
        token = hashlib.sha256(canonical_json(shown)).hexdigest()
        return Preview(person, tuple(resources), token)

    def beside(
        self, item: DeskItem, text: str, number: str, token: str, *, user: User, client: str | None
    ) -> Beside:
        """Make what files a reply in the transaction of its signature.

        Args:
            item: the referral as it was opened.
            text: what is signed.
            number: of the person.
            token: of the preview that the clinician saw.
            user: who signs.
            client: network address of the clinician.

        Raises:
            NoOneToFileForError: see `person`.
            PreviewChangedError: it is not what they saw.
        """
        person = self.person(user, number, client)
        if self.preview(item, text, person, user).token != token:
            raise PreviewChangedError("What would be filed has changed since you saw it.")
        by = Caller.user(user.id, user.role, client)

        def write(session: Session, signed: datetime) -> None:
            if session.get(ResourceRow, ("Communication", f"reply-{item.id}")) is not None:
                raise PreviewChangedError("Something stands where the reply would be filed.")
            resources = _resources(item, text, person.id, user, signed)
            model = item.draft.model.name if item.draft and _is_labelled(resources) else None
            self._write(session, resources, by, person.id, model=model)
            self._outside(session, resources[0]["id"])

        return write

    def filed(self, referral: str) -> Resource | None:
        """The reply to a referral as it stands in the record; None where none was filed."""
        found = self._store.read("Communication", f"reply-{referral}")
        return found if found and found.get("inResponseTo") else None

    def withdraw(self, referral: str, user: User, why: str, client: str | None = None) -> None:
        """Mark a filed reply as entered in error, with who did it and why; the text stays legible.

        Raises:
            NotAllowedError: the user is no clinician.
            BadInputError: no reason is given, or too long a one.
            NotFiledError: there is nothing to withdraw.
            NoOneToFileForError: the user does not treat this person.
            AuditError: it could not be written down; nothing changed.
        """
        if user.role != "clinician" or user.disabled:
            raise NotAllowedError("Only a clinician withdraws a reply.")
        if not 0 < len(why.strip()) <= LONGEST_REASON:
            raise BadInputError(f"Say why, in at most {LONGEST_REASON} characters.")
        found = self.filed(referral)
        if found is None or found["status"] == "entered-in-error":
            raise NotFiledError("There is no filed reply to withdraw.")
        patient = str(found["subject"]["reference"]).removeprefix("Patient/")
        self._require(user, patient, client)
        made = withdrawal(found, user, why.strip(), datetime.now(UTC))
        with self._database.transaction() as session:
            self._write(session, made, Caller.user(user.id, user.role, client), patient)
            self._outside(session, found["id"])

    def _require(self, user: User, patient: str | None, client: str | None) -> None:
        basis = self._relations.basis(user, patient) if patient else None
        if basis is None or basis.startswith("glass:"):
            if patient and ID.fullmatch(patient):
                by = Caller.user(user.id, user.role, client)
                self._auditor.refused(by, f"Patient/{patient}")
            raise NoOneToFileForError("You treat nobody with this number.")

    def _write(
        self,
        session: Session,
        resources: list[Resource],
        by: Caller,
        patient: str,
        *,
        model: str | None = None,
    ) -> None:
        changes, new = [], []
        for resource in resources:
            kind, identity = resource["resourceType"], resource["id"]
            known = session.get(ResourceRow, (kind, identity)) is not None
            if known and kind in _SHARED:
                continue
            new.append(prepare(resource))
            whose = () if kind in _SHARED else (patient,)
            changes.append(Change("update" if known else "create", f"{kind}/{identity}", whose))
        self._auditor.change(by, *changes, model=model)
        with self._store.joining(session) as writer:
            for item in new:
                writer.update(item)


def _is_labelled(resources: Sequence[Resource]) -> bool:
    return "meta" in resources[0]


def _resources(
    item: DeskItem, text: str, patient: str, user: User, signed: datetime
) -> list[Resource]:
    """Everything that is filed, the Communication first."""
    reply = Reply(item, text, patient, user, signed, influence(text, item.draft))
    if reply.draft is None:
        return [communication(reply), provenance(reply, None, ()), application()]
    cards = model_cards(reply.draft.model)
    device = ai_device(reply.draft.model, cards)
    return [communication(reply), provenance(reply, device, cards), application(), device, *cards]
