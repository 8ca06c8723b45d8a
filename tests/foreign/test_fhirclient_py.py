"""PyPI's ``fhirclient`` (typed R4 models) against the FHIR API, by Backend Services."""

from __future__ import annotations

import time
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fhirclient.client import FHIRClient
from fhirclient.models.codeableconcept import CodeableConcept
from fhirclient.models.coding import Coding
from fhirclient.models.fhirreference import FHIRReference
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient

KID = "first"


@pytest.fixture(scope="module")
def client(here):
    private = ec.generate_private_key(ec.SECP384R1())
    public = jwt.algorithms.ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    keys = {"keys": [{**public, "kid": KID, "use": "sig", "alg": "ES384"}]}
    registered = here.backend("typed client", keys, "system/*.cruds")
    now = int(time.time())
    claims = {
        "iss": registered, "sub": registered, "aud": f"{here.address}/oauth/token",
        "jti": str(uuid.uuid4()), "iat": now, "exp": now + 240,
    }  # fmt: skip
    assertion = jwt.encode(claims, private, algorithm="ES384", headers={"kid": KID})
    made = FHIRClient(
        settings={
            "app_id": registered,
            "api_base": here.fhir,
            "scope": "system/*.cruds",
            "jwt_token": assertion,
        }
    )
    made.wants_patient = False
    assert not made.ready
    made.prepare()
    made.authorize()
    assert made.ready
    return made


def test_a_person_is_read_as_a_typed_resource(client):
    person = Patient.read("p01", client.server)
    assert person.id == "p01"
    assert person.birthDate.date.year < 2026


def test_every_page_of_a_search_is_followed(here, client):
    search = Observation.where({"patient": "p01", "_count": "3"})
    found = list(search.perform_resources_iter(client.server))
    assert len(found) == here.hospital.records.search("Observation", patient="p01").total


def test_a_resource_is_made_changed_and_deleted(client):
    made = Observation()
    made.status = "final"
    coding = Coding({"system": "http://loinc.org", "code": "8867-4"})
    made.code = CodeableConcept()
    made.code.coding = [coding]
    made.subject = FHIRReference({"reference": "Patient/p01"})
    made.valueString = "regular"
    identity = made.create(client.server)["id"]
    read = Observation.read(identity, client.server)
    read.status = "amended"
    read.update(client.server)
    assert Observation.read(identity, client.server).status == "amended"
    read.delete(client.server)
    found = Observation.where({"_id": identity}).perform_resources_iter(client.server)
    assert list(found) == []
