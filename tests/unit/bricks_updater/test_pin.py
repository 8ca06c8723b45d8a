"""The root that a node trusts from the start."""

from __future__ import annotations

import pytest

from compliance.errors import NotFoundError
from compliance.sealing import IdentityKey
from compliance.sealing.encoding import to_text
from services.bricks.errors import BrickUntrustedError
from services.bricks.updater.pin import RootPin


def test_the_newest_root_is_vouched_for(publisher):
    hospital = IdentityKey.generate()
    for _ in range(10):
        publisher.rotate("timestamp")

    pin = RootPin.of_repository(publisher.layout.folder, hospital)

    again = RootPin.model_validate_json(pin.model_dump_json())
    assert again.open(hospital.public) == publisher.layout.of_role("root", 11).read_bytes()


def test_a_root_that_another_node_vouches_for_is_refused(publisher):
    pin = RootPin.of_repository(publisher.layout.folder, IdentityKey.generate())

    with pytest.raises(BrickUntrustedError, match="not signed by the hospital"):
        pin.open(IdentityKey.generate().public)


@pytest.mark.parametrize("changed", [{"root": "{}"}, {"signature": "AAAA"}, {"signature": "§"}])
def test_a_changed_pin_is_refused(publisher, changed):
    hospital = IdentityKey.generate()
    pin = RootPin.of_repository(publisher.layout.folder, hospital)

    with pytest.raises(BrickUntrustedError):
        pin.model_copy(update=changed).open(hospital.public)


def test_a_signature_for_another_purpose_does_not_serve(publisher):
    hospital = IdentityKey.generate()
    raw = publisher.first_root
    pin = RootPin(root=raw.decode(), signature=to_text(hospital.sign(raw)))
    with pytest.raises(BrickUntrustedError):
        pin.open(hospital.public)


def test_without_a_repository_nothing_is_vouched_for(tmp_path):
    with pytest.raises(NotFoundError):
        RootPin.of_repository(tmp_path, IdentityKey.generate())
