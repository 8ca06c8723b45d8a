"""A member: one person on this device, unlocked. Every read and write goes to their vault.

| kind in the vault | what |
|---|---|
| profile | language, country, reading level, units, interests, local-only switch |
| brick | versions of the personal brick, and its adapter |
| keys | identity key of the device for this person (base64url) |
| link | clinic address, key bundles of clinic and hospital |
| record | the person's FHIR resources by reference |
| consult | question, time, conversation, answer |
| map | placeholders of a conversation and what they stand for |
| preview | a disclosure that waits for the person's word |
| consent, ledger, outbox | what was allowed, what left, what is on its way |
| connection | tokens of a record at another server, and what came from there |
| withdrawal | withdrawn consents that the clinic has not been told of yet |
| signal | what the person said of an answer, and whether it left |
| own-medicine | medicines that the person entered (`patient_app.medicines`) |
| reminder, dose | when to think of a medicine, and what was noted of each dose |
| recovery | when the recovery code was made, and whether the person was reminded of it |
| visit | answers before a visit, as they are written (`patient_app.visits`) |
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compliance.consent import WORDING, Consent
from compliance.deidentify import KnownIdentifiers, PlaceholderMap
from compliance.errors import BadInputError
from compliance.sealing import IdentityKey, KeyBundle
from compliance.sealing.encoding import from_text, to_text
from patient_app.errors import NotLinkedError, OtherPersonError
from patient_app.personal.policy import change_policy, read_policy
from patient_app.personal.present import present
from patient_app.vault import Vault
from patient_app.whose import require_birthday
from services.consult.messages import Answer, Level, Person, Turn
from services.consult.record import Record

if TYPE_CHECKING:
    from patient_app.recovering import Offered

MAX_TURNS = 6
"""How many earlier utterances of a conversation are looked at."""


class Member:
    """One person's unlocked vault."""

    def __init__(self, id_: str, vault: Vault) -> None:
        self.id, self.vault = id_, vault
        self.offered: Offered | None = None
        """A recovery code that is not on paper yet (`patient_app.recovering`)."""

    @classmethod
    def create(cls, folder: Path, passphrase: str) -> Member:
        """Make a vault with fresh keys for a person; ``folder`` is named by the person's id."""
        vault = Vault.create(folder, passphrase)
        with vault.write() as tx:
            tx.put("keys", "identity", to_text(IdentityKey.generate().to_bytes()))
        change_policy(vault, {})
        return cls(folder.name, vault)

    @cached_property
    def identity(self) -> IdentityKey:
        """The key that signs this person's receipts."""
        return IdentityKey.from_bytes(from_text(self.vault.get("keys", "identity")))

    @property
    def profile(self) -> dict[str, Any]:
        """What the person chose (`patient_app.personal`), with defaults filled in."""
        return read_policy(self.vault).model_dump(mode="json")

    def set_profile(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Change the profile; returns it."""
        return change_policy(self.vault, changes).model_dump(mode="json")

    def shown(self, answer: Answer) -> Answer:
        """An answer as this person reads it best."""
        return present(answer, read_policy(self.vault))

    def resources(self) -> list[dict[str, Any]]:
        """The person's own FHIR resources."""
        return [value for _, value in self.vault.items("record")]

    @cached_property
    def known(self) -> KnownIdentifiers:
        """Everything in the record that identifies the person."""
        return KnownIdentifiers.from_record(self.resources())

    def record(self) -> Record | None:
        """The record as facts, or None when it is empty."""
        resources = self.resources()
        return Record(resources, today=datetime.now(UTC).date()) if resources else None

    def person(self) -> Person:
        """Age, sex, pregnancy, language and country: from the record, then the profile."""
        profile = self.profile
        record = self.record()
        known = record.person() if record else Person()
        told = {"language": profile["language"], "country": profile["country"]}
        if known.age_years is None and profile["born"]:
            age = _years(date.fromisoformat(profile["born"]), datetime.now(UTC).date())
            return known.model_copy(update={**told, "age_years": age})
        return known.model_copy(update=told)

    def import_record(self, resources: Iterable[dict[str, Any]]) -> int:
        """Put FHIR resources into the record; returns how many.

        Raises:
            BadInputError: there is nothing in it, or a resource has no type or id.
            OtherPersonError: it holds another patient, or one born on another day.
        """
        given = list(resources)
        if not given:
            raise BadInputError("The file holds no FHIR resources.")
        if not all(isinstance(r.get("resourceType"), str) and r.get("id") for r in given):
            raise BadInputError("A resource has no resourceType or no id.")
        patients = {str(r["id"]) for r in given if r["resourceType"] == "Patient"}
        mine = {str(r["id"]) for r in self.resources() if r["resourceType"] == "Patient"}
        if len(patients | mine) > 1:
            raise OtherPersonError("The file is about another patient than this record.")
        if not mine:
            require_birthday(self.profile["born"], given)
        with self.vault.write() as tx:
            for resource in given:
                tx.put("record", f"{resource['resourceType']}/{resource['id']}", resource)
        self.__dict__.pop("known", None)
        return len(given)

    def link_to(self, url: str, clinic: KeyBundle, hospital: KeyBundle | None) -> None:
        """Remember the clinic and the hospital behind it."""
        with self.vault.write() as tx:
            tx.put(
                "link",
                "clinic",
                {
                    "url": url,
                    "clinic": clinic.model_dump(mode="json"),
                    "hospital": hospital.model_dump(mode="json") if hospital else None,
                },
            )

    def link(self) -> tuple[str, dict[Level, KeyBundle]]:
        """Address of the clinic, and the keys of each tier above.

        Raises:
            NotLinkedError: this person is not enrolled at a clinic.
        """
        kept = self.vault.get("link", "clinic")
        if kept is None:
            raise NotLinkedError("This device is not enrolled at a clinic.")
        bundles = {Level.CLINIC: KeyBundle.model_validate(kept["clinic"])}
        if kept["hospital"]:
            bundles[Level.HOSPITAL] = KeyBundle.model_validate(kept["hospital"])
        return kept["url"], bundles

    def history(self, conversation: str | None, before: str | None = None) -> tuple[Turn, ...]:
        """The last turns of a conversation, oldest first; ``before``: up to this consult only."""
        if conversation is None:
            return ()
        turns: list[Turn] = []
        for consult in self.consults():
            if consult["id"] == before:
                turns.clear()
            elif consult["conversation"] == conversation:
                answer = consult["answer"]["text"][:8000]
                turns += [Turn(role="assistant", text=answer)] if answer else []
                turns.append(Turn(role="patient", text=consult["question"]))
        return tuple(reversed(turns[:MAX_TURNS]))

    def consults(self) -> list[dict[str, Any]]:
        """Consults with id, newest first."""
        rows = [{"id": id_, **value} for id_, value in self.vault.items("consult")]
        return sorted(rows, key=lambda r: r["asked"], reverse=True)

    def placeholder_map(self, conversation: str) -> PlaceholderMap:
        """The placeholders of a conversation; they never leave the device."""
        kept = self.vault.get("map", conversation)
        return PlaceholderMap.from_json(kept) if kept else PlaceholderMap()

    def consents(self) -> list[Consent]:
        """Every consent, newest first."""
        rows = [Consent.model_validate(value) for _, value in self.vault.items("consent")]
        return sorted(rows, key=lambda c: c.granted, reverse=True)

    def standing_consent(self, *readers: str) -> Consent | None:
        """A standing consent under which every one of the tiers may read now, or None.

        The first reader is the destination, here and in a consent. One for the clinic, with the
        hospital behind it, is none for the hospital at once: the person was asked about "this
        destination".
        """
        now = datetime.now(UTC)
        for consent in self.consents():
            same = consent.standing and consent.destinations[0] == readers[0]
            if same and all(consent.permits("treatment", r, now) for r in readers):
                return consent
        return None

    def learning_consent(self, *levels: Level) -> Consent | None:
        """The newest standing consent under which one of the tiers may learn now, or None.

        One that was given to other words does not count: they said less.

        Args:
            levels: tiers; all that this device may send to when none is named.
        """
        now = datetime.now(UTC)
        wanted = levels or (Level.CLINIC, Level.HOSPITAL)
        for consent in self.consents():
            agreed = consent.standing and consent.wording == WORDING
            if agreed and any(consent.permits("learning", w, now) for w in wanted):
                return consent
        return None


def _years(born: date, today: date) -> int:
    """Whole years of age."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
