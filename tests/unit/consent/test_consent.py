from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fhir.resources.R4B.consent import Consent as FhirConsent
from pydantic import ValidationError

from compliance.consent import ONE_TIME_VALIDITY, Consent, one_time, standing, while_permitted
from compliance.errors import DisclosureRefusedError

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=400)


def test_a_one_time_consent_ends_after_a_day():
    consent = one_time(destinations=("hospital",), now=NOW)
    assert not consent.standing
    assert consent.permits("treatment", "hospital", NOW)
    assert consent.permits("treatment", "hospital", NOW + timedelta(hours=23))
    assert not consent.permits("treatment", "hospital", NOW + ONE_TIME_VALIDITY)


def test_a_standing_consent_has_no_end_unless_given_one():
    assert standing(destinations=("clinic",), now=NOW).permits("treatment", "clinic", LATER)
    ending = standing(destinations=("clinic",), now=NOW, expires=NOW + timedelta(days=1))
    assert not ending.permits("treatment", "clinic", LATER)


@pytest.mark.parametrize(
    ("purpose", "destination", "when"),
    [
        ("learning", "clinic", NOW),
        ("", "clinic", NOW),
        ("treatment", "hospital", NOW),
        ("treatment", "clin", NOW),
        ("treatment", "", NOW),
        ("treatment", "clinic", NOW - timedelta(seconds=1)),
    ],
)
def test_what_was_not_allowed_is_not_permitted(purpose, destination, when):
    consent = standing(destinations=("clinic",), now=NOW)
    assert not consent.permits(purpose, destination, when)


def test_a_consent_to_learning_does_not_cover_treatment():
    consent = standing(destinations=("hospital",), purpose="learning", now=NOW)
    assert consent.permits("learning", "hospital", NOW)
    assert not consent.permits("treatment", "hospital", NOW)


@pytest.mark.parametrize("when", [NOW, LATER, NOW - timedelta(days=1)])
def test_a_withdrawn_consent_permits_nothing_at_any_time(when):
    consent = standing(destinations=("clinic",), now=NOW).withdraw(NOW)
    assert not consent.permits("treatment", "clinic", when)


def test_withdrawing_again_keeps_the_first_time():
    consent = standing(destinations=("clinic",), now=NOW).withdraw(NOW)
    assert consent.withdraw(LATER).withdrawn == NOW


def test_withdrawing_keeps_everything_else():
    consent = standing(destinations=("clinic",), now=NOW)
    withdrawn = consent.withdraw(LATER)
    assert withdrawn.version == 2
    assert withdrawn.model_copy(update={"withdrawn": None, "version": 1}) == consent


@pytest.mark.parametrize("purpose", ["treatment", "second-opinion", "learning", "research"])
@pytest.mark.parametrize("asked", ["treatment", "second-opinion", "learning", "research"])
@pytest.mark.parametrize("tier", ["clinic", "hospital"])
def test_a_consent_is_for_one_purpose_and_the_tiers_that_it_names(purpose, asked, tier):
    consent = standing(destinations=("clinic",), purpose=purpose, now=NOW)
    assert consent.permits(asked, tier, NOW) == (purpose == asked and tier == "clinic")


def test_a_consent_from_before_versions_is_read_as_the_first():
    old = standing(destinations=("clinic",), now=NOW).model_dump(mode="json")
    del old["version"], old["wording"]
    assert Consent.model_validate(old).version == 1


class TestStream:
    """What runs under a consent asks before each event."""

    async def gather(self, permitted, **more):
        closed = []

        async def events():
            try:
                for number in range(5):
                    yield number
            finally:
                closed.append(True)

        try:
            return [event async for event in while_permitted(events(), permitted, **more)]
        finally:
            assert closed == [True]

    async def test_while_permitted_everything_passes(self):
        assert await self.gather(lambda: True) == [0, 1, 2, 3, 4]

    async def test_once_withdrawn_nothing_more_passes_and_the_source_is_closed(self):
        answers = iter([True, True, False, True])
        with pytest.raises(DisclosureRefusedError, match="withdrawn"):
            await self.gather(lambda: next(answers))

    async def test_what_is_spared_passes_all_the_same(self):
        assert await self.gather(lambda: False, spare=lambda event: event < 9) == [0, 1, 2, 3, 4]
        with pytest.raises(DisclosureRefusedError):
            await self.gather(lambda: False, spare=lambda event: event < 2)


@pytest.mark.parametrize(
    "consent",
    [
        one_time(destinations=("clinic", "hospital"), now=NOW),
        standing(destinations=("hospital",), purpose="learning", now=NOW),
        standing(destinations=("clinic",), now=NOW).withdraw(LATER),
    ],
    ids=["one-time", "learning", "withdrawn"],
)
def test_it_is_a_valid_fhir_consent(consent):
    resource = consent.to_fhir("Patient/p1")
    FhirConsent.model_validate(resource)
    assert resource["status"] == ("inactive" if consent.withdrawn else "active")
    assert resource["patient"] == {"reference": "Patient/p1"}
    actors = resource["provision"]["actor"]
    assert tuple(actor["reference"]["display"] for actor in actors) == consent.destinations


def test_the_fhir_purpose_follows_the_consent():
    def code(purpose):
        consent = standing(destinations=("clinic",), purpose=purpose, now=NOW)
        return consent.to_fhir("Patient/p1")["provision"]["purpose"][0]["code"]

    assert (code("treatment"), code("learning")) == ("TREAT", "HQUALIMP")
    assert (code("second-opinion"), code("research")) == ("COC", "HRESCH")


def test_a_consent_survives_json():
    consent = one_time(destinations=("clinic",), now=NOW)
    assert Consent.model_validate_json(consent.model_dump_json()) == consent


def test_two_consents_have_two_ids():
    ids = {one_time(destinations=("clinic",), now=NOW).id for _ in range(5)}
    assert len(ids) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"destinations": ()},
        {"purpose": "marketing"},
        {"scope": "everything"},
        {"granted": datetime(2026, 11, 21)},  # noqa: DTZ001 - a time without a zone is the case
        {"id": ""},
        {"more": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_no_consent_is_refused(change):
    good = standing(destinations=("clinic",), now=NOW).model_dump()
    with pytest.raises(ValidationError):
        Consent.model_validate(good | change)
