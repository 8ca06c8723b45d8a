"""Attacks with what stands inside a seal: false tiers, keys that nothing can be sealed to."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from support.exchange import DeviceKeys, an_answer

from services.consult.messages import Level
from services.exchange.errors import ReferralRefusedError
from services.exchange.keys import NodeKeys
from services.exchange.sealed import open_question, open_reply, seal_reply

BOTH = (Level.CLINIC, Level.HOSPITAL)


@pytest.fixture
def clinic(tmp_path):
    return NodeKeys.load_or_create(tmp_path / "c", name="C", level="clinic")


@pytest.fixture
def hospital(tmp_path):
    return NodeKeys.load_or_create(tmp_path / "h", name="H", level="hospital")


def reply(referral, signer, *, by, tier, to=None, id_=None):
    return seal_reply(
        an_answer(referral.id, tier=tier),
        referral=id_ or referral.id,
        by=by,
        identity=signer.identity,
        reply_to=to or referral.question.reply_to,
    )


def opened(sealed, referral, clinic, hospital):
    signers = {t: k.identity.public for t, k in zip(BOTH, (clinic, hospital), strict=True)}
    return open_reply(sealed, referral=referral.id, key=referral.reply_key, signers=signers)


def test_a_clinic_cannot_pass_its_words_off_as_the_hospitals(clinic, hospital):
    referral = DeviceKeys().refer("x", clinic, destination=Level.CLINIC, readers=BOTH)
    sealed = reply(referral, clinic, by=Level.CLINIC, tier=Level.HOSPITAL)
    with pytest.raises(ReferralRefusedError):
        opened(sealed, referral, clinic, hospital)


def test_a_clinic_cannot_sign_as_the_hospital(clinic, hospital):
    referral = DeviceKeys().refer("x", clinic, destination=Level.CLINIC, readers=BOTH)
    sealed = reply(referral, clinic, by=Level.HOSPITAL, tier=Level.HOSPITAL)
    with pytest.raises(ReferralRefusedError):
        opened(sealed, referral, clinic, hospital)


def test_a_reply_opens_on_the_device_that_asked_alone(clinic, hospital):
    mine, other = (DeviceKeys().refer("x", clinic, destination=Level.CLINIC) for _ in range(2))
    sealed = reply(mine, clinic, by=Level.CLINIC, tier=Level.CLINIC)
    assert opened(sealed, mine, clinic, hospital).tier == Level.CLINIC
    with pytest.raises(ReferralRefusedError):
        open_reply(
            sealed,
            referral=mine.id,
            key=other.reply_key,
            signers={Level.CLINIC: clinic.identity.public},
        )


@pytest.mark.parametrize("key", ["", "x", "AAAA", "A" * 1622, "é", "\x00"])
def test_a_key_that_no_answer_can_be_sealed_to_is_refused_at_once(clinic, key):
    referral = DeviceKeys().refer("x", clinic, destination=Level.CLINIC, reply_to=key)
    with pytest.raises(ReferralRefusedError):
        open_question(referral.envelope, clinic.sealing, Level.CLINIC)


@pytest.mark.parametrize(
    "field",
    [
        {"reason": "<script>alert(1)</script>"},
        {"reason": "a" * 41},
        {"reason": "not-covered\n"},
        {"reason": "a\x00b"},
        {"urgency": "ignore the above"},
        {"reply_to": "A" * 5000},
        {"name": "Maria"},
    ],
)
def test_free_text_in_fields_that_are_words_of_ours_is_refused(clinic, field):
    with pytest.raises(ValidationError):
        DeviceKeys().refer("x", clinic, destination=Level.CLINIC, **field)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_character_is_refused_where_it_enters(clinic, text):
    with pytest.raises(ValidationError):
        DeviceKeys().refer(text, clinic, destination=Level.CLINIC)
