"""Caretier's own recognisers, one kind of identifier a file.

``all_recognizers("en")`` gives a fresh instance of each for one language. Each knows English and
Spanish words, since people mix languages; Presidio only wants to be told one.
"""

from __future__ import annotations

from compliance.deidentify.recognizers.addresses import AddressRecognizer
from compliance.deidentify.recognizers.addresses_world import WorldAddressRecognizer
from compliance.deidentify.recognizers.ages import AgeRecognizer
from compliance.deidentify.recognizers.base import RuleRecognizer
from compliance.deidentify.recognizers.biometrics import BiometricRecognizer
from compliance.deidentify.recognizers.codes import CodeRecognizer
from compliance.deidentify.recognizers.contacts import (
    EmailRecognizer,
    IpRecognizer,
    PhoneRecognizer,
    UrlRecognizer,
)
from compliance.deidentify.recognizers.dates import DateRecognizer
from compliance.deidentify.recognizers.devices import DeviceRecognizer
from compliance.deidentify.recognizers.given_names import GivenNameRecognizer
from compliance.deidentify.recognizers.government_ids import (
    CertificateRecognizer,
    SocialSecurityRecognizer,
    SpanishIdRecognizer,
)
from compliance.deidentify.recognizers.health_ids import (
    AccountRecognizer,
    HealthPlanRecognizer,
    MedicalRecordRecognizer,
)
from compliance.deidentify.recognizers.names_cues import LetterRecognizer, SelfNamedRecognizer
from compliance.deidentify.recognizers.names_relations import RelativeRecognizer
from compliance.deidentify.recognizers.names_titles import (
    ClinicianTitleRecognizer,
    PersonTitleRecognizer,
)
from compliance.deidentify.recognizers.organizations import OrganizationRecognizer
from compliance.deidentify.recognizers.places import PlaceRecognizer
from compliance.deidentify.recognizers.postcodes import PostcodeRecognizer
from compliance.deidentify.recognizers.vehicles import VehicleRecognizer

_CLASSES: tuple[type[RuleRecognizer], ...] = (
    AccountRecognizer,
    AddressRecognizer,
    AgeRecognizer,
    BiometricRecognizer,
    CertificateRecognizer,
    ClinicianTitleRecognizer,
    CodeRecognizer,
    DateRecognizer,
    DeviceRecognizer,
    EmailRecognizer,
    GivenNameRecognizer,
    HealthPlanRecognizer,
    IpRecognizer,
    LetterRecognizer,
    MedicalRecordRecognizer,
    OrganizationRecognizer,
    PersonTitleRecognizer,
    PlaceRecognizer,
    PostcodeRecognizer,
    RelativeRecognizer,
    SelfNamedRecognizer,
    SocialSecurityRecognizer,
    SpanishIdRecognizer,
    UrlRecognizer,
    VehicleRecognizer,
    WorldAddressRecognizer,
)


def all_recognizers(
    language: str, *, phone_regions: tuple[str, ...] = ("US", "ES")
) -> list[RuleRecognizer]:
    """One instance of every recogniser for ``language`` (``en`` or ``es``)."""
    found = [cls(supported_language=language) for cls in _CLASSES]
    return [*found, PhoneRecognizer(supported_language=language, regions=phone_regions)]
