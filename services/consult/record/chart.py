"""The record, read once: what the rules ask of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

from services.consult.messages import Person
from services.consult.record import events, reading, results, units, words
from services.consult.record.situation import Known

PREGNANCY_DAYS = 300
"""How long an entry that says "pregnant" counts, in days."""
FRESH_DAYS = 730
"""How old a laboratory result may be for a safety rule to use it, in days."""
PREGNANT_CODES = {"77386006", "72892002", "LA15173-0"}
NOT_PREGNANT_CODES = {"60001007", "LA26683-5"}
PREGNANCY_STATUS = "82810-3"
_ROLES = {"hijo": "son", "hija": "daughter", "madre": "mother", "padre": "father",
          "esposo": "husband", "esposa": "wife", "MTH": "mother", "FTH": "father", "SON": "son",
          "DAU": "daughter", "SPS": "spouse", "PRN": "parent", "GUARD": "guardian",
          "CHILD": "child", "legal guardian": "guardian"}  # fmt: skip

NOBODY = Person()
"""Nothing is known."""


@dataclass(frozen=True)
class Chart:
    """One person's record, and the day on which it is read."""

    resources: Sequence[Mapping[str, Any]]
    today: date
    given: Person = NOBODY

    @cached_property
    def conditions(self) -> list[reading.Condition]:
        """Conditions, active ones first, newest first."""
        found = sorted(
            reading.read_conditions(self.resources), key=lambda c: c.day or "", reverse=True
        )
        return sorted(found, key=lambda c: not c.active)

    @cached_property
    def medicines(self) -> list[reading.Medicine]:
        """Medicines, newest first."""
        found = reading.read_medicines(self.resources)
        return sorted(found, key=lambda m: m.day or "", reverse=True)

    @cached_property
    def active_medicines(self) -> list[reading.Medicine]:
        """Active medicines, one entry for each name, the newest."""
        return list({m.name: m for m in reversed(self.medicines) if m.active}.values())[::-1]

    @cached_property
    def allergies(self) -> list[reading.Allergy]:
        """Allergies and intolerances, severe ones first."""
        return sorted(reading.read_allergies(self.resources), key=lambda a: not a.severe)

    @cached_property
    def results(self) -> list[reading.Result]:
        """Results, newest first."""
        return [r for r in results.read_results(self.resources) if not self._later(r.day)]

    @cached_property
    def vaccines(self) -> list[events.Vaccine]:
        """Doses given, newest first."""
        found = events.read_vaccines(self.resources)
        return sorted(found, key=lambda v: v.day or "", reverse=True)

    @cached_property
    def procedures(self) -> list[events.Procedure]:
        """Procedures done, newest first."""
        found = events.read_procedures(self.resources)
        return sorted(found, key=lambda p: p.day or "", reverse=True)

    @cached_property
    def appointments(self) -> list[events.Appointment]:
        """Appointments from today on, the next first."""
        found = events.read_appointments(self.resources)
        ahead = [a for a in found if a.day and a.day[:10] >= self.today.isoformat()]
        return sorted(ahead, key=lambda a: a.day or "")

    def _later(self, day: str | None) -> bool:
        return day is not None and day > self.today.isoformat()

    def within(self, day: str | None, days: int) -> bool:
        """Whether an ISO date is known, not in the future, and at most ``days`` ago."""
        return bool(day) and str(day) >= (self.today - timedelta(days=days)).isoformat()

    def latest(self, test: str) -> list[reading.Result]:
        """Return the results of one test, newest first."""
        return [r for r in self.results if r.test == test]

    def fresh_number(self, test: str) -> reading.Result | None:
        """Return the newest result of a test for a safety rule.

        It must be a number, in the unit that the rules are written in, and at most two years old.
        """
        newest = next(iter(self.latest(test)), None)
        usable = newest and newest.number is not None and self.within(newest.day, FRESH_DAYS)
        return newest if newest and usable and units.is_of(test, newest.unit) else None

    @cached_property
    def known(self) -> Known:
        """What decides whom a question means."""
        names = {
            words.fold(part)
            for name in self.patient.get("name", ())
            for part in (*name.get("given", ())[:1], *name.get("given", ())[1:2])
        }
        roles = {
            words.fold(reading.label(relation)) or code
            for related in self.resources
            if related.get("resourceType") == "RelatedPerson"
            for relation in related.get("relationship", ())
            for code in (*reading.codes(relation), "")
        }
        return Known(
            months=self.age_months,
            sex=self.person.sex,
            pregnant=self.person.pregnant,
            names=frozenset(name for name in names if len(name) > 2),  # noqa: PLR2004  # no initials
            roles=frozenset(_ROLES.get(role, role) for role in roles if role),
        )

    @cached_property
    def age_months(self) -> int | None:
        """Age in whole months; of somebody known only in years, the youngest that fits."""
        born = str(self.patient.get("birthDate", ""))
        years = self.person.age_years
        if years is None or len(born) != len("2026-01-01"):
            return None if years is None else 12 * years
        then = date.fromisoformat(born)
        months = 12 * (self.today.year - then.year) + self.today.month - then.month
        return months - (self.today.day < then.day)

    @cached_property
    def visits(self) -> list[events.Visit]:
        """Visits that took place, newest first."""
        found = events.read_visits(self.resources)
        past = [v for v in found if v.day and not self._later(v.day)]
        return sorted(past, key=lambda v: v.day or "", reverse=True)

    @cached_property
    def goals(self) -> list[events.Goal]:
        """Goals that stand."""
        return list(events.read_goals(self.resources))

    @cached_property
    def patient(self) -> Mapping[str, Any]:
        """The Patient resource, or an empty mapping."""
        return next((r for r in self.resources if r.get("resourceType") == "Patient"), {})

    @cached_property
    def person(self) -> Person:
        """Age, sex, pregnancy, country and language, as far as the record says."""
        if not self.patient:
            return self.given
        sex = self.patient.get("gender")
        country = next((a.get("country") for a in self.patient.get("address", ())), None)
        known = isinstance(country, str) and len(country) == 2 and country.isalpha()  # noqa: PLR2004  # ISO 3166
        return Person(
            age_years=self._age(),
            sex=sex if sex in {"female", "male"} else None,
            pregnant=self._pregnant() if sex != "male" else None,
            country=str(country).upper() if known else "US",
            language=self._language(),
        )

    def _age(self) -> int | None:
        born = str(self.patient.get("birthDate", ""))
        try:
            # Of a partial date the latest day is taken: nobody is made older than they are.
            full = born + {4: "-12-31", 7: "-28"}.get(len(born), "")
            then = date.fromisoformat(full)
        except ValueError:
            return None
        age = (
            self.today.year
            - then.year
            - ((self.today.month, self.today.day) < (then.month, then.day))
        )
        return age if 0 <= age <= 130 else (0 if age < 0 and len(born) < 10 else None)  # noqa: PLR2004  # years

    def _language(self) -> Literal["en", "es"]:
        spoken = self.patient.get("communication", ())
        preferred = sorted(spoken, key=lambda c: not c.get("preferred"))
        tags = [c.get("code", "") for s in preferred[:1]
                for c in (s.get("language") or {}).get("coding", ())]  # fmt: skip
        return "es" if any(str(tag).lower().startswith("es") for tag in tags) else "en"

    def _pregnant(self) -> bool | None:
        said: list[tuple[str, bool]] = []
        for item in self.resources:
            if PREGNANCY_STATUS in reading.codes(item.get("code")):
                found = reading.codes(item.get("valueCodeableConcept"))
                day = reading.day_of(item, "effectiveDateTime", "effectivePeriod")
                if self.within(day, PREGNANCY_DAYS) and found & (
                    PREGNANT_CODES | NOT_PREGNANT_CODES
                ):
                    said.append((str(day), bool(found & PREGNANT_CODES)))
        for condition in self.conditions:
            pregnancy = "pregnancy" in condition.keys and not condition.unconfirmed
            if pregnancy and condition.active and self.within(condition.day, PREGNANCY_DAYS):
                said.append((str(condition.day), True))
        return max(said)[1] if said else None

    @cached_property
    def pregnancy_ref(self) -> str:
        """Reference of the entry that says "pregnant"."""
        for item in self.resources:
            if PREGNANCY_STATUS in reading.codes(item.get("code")):
                return f"Observation/{item.get('id')}"
        found = [c.ref for c in self.conditions if "pregnancy" in c.keys]
        return found[0] if found else f"Patient/{self.patient.get('id', 'unknown')}"

    @cached_property
    def patient_ref(self) -> str:
        """Reference of the Patient."""
        return f"Patient/{self.patient.get('id', 'unknown')}"
