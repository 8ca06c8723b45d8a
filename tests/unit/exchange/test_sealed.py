"""Sealed questions and replies: each way to move, change or misread one is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.exchange import DeviceKeys, an_answer

from compliance.receipt import issue_receipt, new_salt
from compliance.sealing import SealingKey, seal, unseal
from compliance.sealing.encoding import from_text, to_text
from services.consult.messages import Level
from services.exchange.errors import ReferralRefusedError
from services.exchange.keys import NodeKeys
from services.exchange.messages import SealedRequest, SignedReply, reply_context
from services.exchange.sealed import check_receipt, open_question, open_reply, seal_reply

TEXT = "What is asthma?"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    return NodeKeys.load_or_create(tmp_path_factory.mktemp("h"), name="H", level="hospital")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    return NodeKeys.load_or_create(tmp_path_factory.mktemp("c"), name="C", level="clinic")


@pytest.fixture(scope="module")
def device():
    return DeviceKeys()


@pytest.fixture
def referral(device, hospital):
    return device.refer(TEXT, hospital)


def refused(envelope, keys, reader=Level.HOSPITAL, because=None):
    with pytest.raises(ReferralRefusedError, match=because) as raised:
        open_question(envelope, keys.sealing, reader)
    assert TEXT not in raised.value.message


def test_a_question_opens_at_the_tier_that_it_is_sealed_to(referral, hospital):
    opened = open_question(referral.envelope, hospital.sealing, Level.HOSPITAL)
    assert opened.question == referral.question


def test_the_envelope_shows_nothing_of_the_question(referral):
    assert "asthma" not in referral.envelope.model_dump_json().lower()


def test_the_size_of_the_envelope_tells_little(device, hospital):
    short = device.refer("a" * 400, hospital).envelope
    longer = device.refer("a" * 1600, hospital).envelope
    assert len(short.sealed) == len(longer.sealed)


def test_a_relay_cannot_open_it(referral, clinic):
    refused(referral.envelope, clinic, because="cannot be opened")


def test_a_seal_moved_to_another_envelope_is_refused(device, hospital, referral):
    other = device.refer("another question", hospital)
    moved = other.envelope.model_copy(update={"sealed": referral.envelope.sealed})
    refused(moved, hospital, because="cannot be opened")


def test_a_seal_under_another_id_is_refused(device, hospital, referral):
    other = device.refer("another question", hospital)
    moved = referral.envelope.model_copy(update={"id": other.id})
    refused(moved, hospital)


def test_a_receipt_of_another_referral_is_refused(device, hospital, referral):
    other = device.refer(TEXT, hospital)
    swapped = referral.envelope.model_copy(update={"receipt": other.envelope.receipt})
    refused(swapped, hospital)
    with pytest.raises(ReferralRefusedError, match="wrong-referral"):
        check_receipt(swapped, "hospital")


def test_a_reader_that_the_receipt_does_not_name_is_refused(device, clinic):
    made = device.refer(TEXT, clinic, destination=Level.CLINIC, readers=("clinic",))
    assert open_question(made.envelope, clinic.sealing, Level.CLINIC)
    refused(made.envelope, clinic, Level.HOSPITAL, because="wrong-reader")


def test_another_devices_receipt_is_refused(device, hospital, referral):
    thief = DeviceKeys()
    taken = referral.envelope.model_copy(update={"device": thief.identity.public.to_text()})
    refused(taken, hospital, because="another device")


def test_an_unreadable_identity_is_refused(referral, hospital):
    broken = referral.envelope.model_copy(update={"device": "???"})
    refused(broken, hospital, because="identity")


def test_a_question_that_the_receipt_does_not_cover_is_refused(device, hospital, referral):
    other = referral.question.model_copy(update={"text": "Give me opioids."})
    request = SealedRequest(salt=to_text(new_salt()), question=other.model_dump_json())
    context = referral.envelope.context()
    sealed = seal(
        request.model_dump_json().encode(), hospital.sealing.current.public, context=context
    )
    tampered = referral.envelope.model_copy(update={"sealed": to_text(sealed)})
    refused(tampered, hospital, because="digest-mismatch")


def test_a_question_about_another_referral_is_refused(device, hospital):
    made = device.refer(TEXT, hospital, referral="0" * 36)
    refused(made.envelope, hospital, because="another referral")


@pytest.mark.parametrize(
    ("receipt", "because"),
    [
        ({"policy": "none"}, "unknown-policy"),
        ({"detector": "homemade/1"}, "unknown-detector"),
        ({"now": datetime.now(UTC) - timedelta(days=3)}, "expired"),
        ({"now": datetime.now(UTC) + timedelta(days=3)}, "not-yet-valid"),
    ],
)
def test_a_receipt_that_is_not_good_is_refused(device, hospital, receipt, because):
    made = device.refer(TEXT, hospital, receipt=receipt)
    refused(made.envelope, hospital, because=because)
    with pytest.raises(ReferralRefusedError, match=because):
        check_receipt(made.envelope, "hospital")


def test_a_receipt_with_a_changed_field_is_refused(referral, hospital):
    changed = referral.envelope.receipt.model_copy(update={"readers": ("hospital", "clinic")})
    refused(referral.envelope.model_copy(update={"receipt": changed}), hospital)


@pytest.mark.parametrize("sealed", ["", "A", "AAAA", "é", "not base64!", "A" * 5000])
def test_a_broken_seal_is_refused(referral, hospital, sealed):
    refused(referral.envelope.model_copy(update={"sealed": sealed}), hospital)


def test_what_is_sealed_must_be_a_question(device, hospital, referral):
    payload, salt = '{"not": "a question"}', new_salt()
    receipt = issue_receipt(
        key=device.identity,
        payload=payload.encode(),
        salt=salt,
        referral=referral.id,
        policy="safe-harbor-1",
        detector="caretier-deid/1",
        consent="c",
        destination="hospital",
        readers=("hospital",),
        valid_for=timedelta(days=1),
        now=datetime.now(UTC),
    )
    envelope = referral.envelope.model_copy(update={"receipt": receipt})
    request = SealedRequest(salt=to_text(salt), question=payload).model_dump_json().encode()
    sealed = seal(request, hospital.sealing.current.public, context=envelope.context())
    refused(
        envelope.model_copy(update={"sealed": to_text(sealed)}), hospital, because="no question"
    )


class TestReply:
    """The answer on its way back."""

    @pytest.fixture
    def sealed(self, referral, hospital):
        return seal_reply(
            an_answer(tier=Level.HOSPITAL),
            referral=referral.id,
            by=Level.HOSPITAL,
            identity=hospital.identity,
            reply_to=referral.question.reply_to,
        )

    @pytest.fixture
    def signers(self, hospital, clinic):
        return {Level.HOSPITAL: hospital.identity.public, Level.CLINIC: clinic.identity.public}

    def refused(self, sealed, made, signers, **changes):
        given = {"referral": made.id, "key": made.reply_key, "signers": signers} | changes
        with pytest.raises(ReferralRefusedError):
            open_reply(sealed, **given)

    def test_a_reply_opens_on_its_device(self, sealed, referral, signers):
        found = open_reply(sealed, referral=referral.id, key=referral.reply_key, signers=signers)
        assert found.text == "Asthma is common."

    def test_a_reply_to_another_referral_is_refused(self, sealed, referral, signers):
        self.refused(sealed, referral, signers, referral="1" * 36)

    def test_another_device_cannot_open_it(self, sealed, referral, signers):
        self.refused(sealed, referral, signers, key=SealingKey.generate())

    def test_a_tier_that_was_not_asked_may_not_answer(self, sealed, referral, signers, clinic):
        self.refused(sealed, referral, {Level.CLINIC: clinic.identity.public})

    def test_a_clinic_cannot_answer_as_the_hospital(self, referral, signers, clinic):
        false = seal_reply(
            an_answer(),
            referral=referral.id,
            by=Level.HOSPITAL,
            identity=clinic.identity,
            reply_to=referral.question.reply_to,
        )
        self.refused(false, referral, signers)

    def test_a_signed_reply_cannot_be_moved_to_another_referral(self, referral, signers, hospital):
        good = seal_reply(
            an_answer(),
            referral="2" * 36,
            by=Level.HOSPITAL,
            identity=hospital.identity,
            reply_to=referral.question.reply_to,
        )
        context = reply_context("2" * 36)
        plain = unseal(from_text(good), referral.reply_key, context=context)
        moved = seal(plain, referral.reply_key.public, context=reply_context(referral.id))
        self.refused(to_text(moved), referral, signers)
        relabelled = SignedReply.model_validate_json(plain).model_copy(
            update={"referral": referral.id}
        )
        again = seal(
            relabelled.model_dump_json().encode(),
            referral.reply_key.public,
            context=reply_context(referral.id),
        )
        self.refused(to_text(again), referral, signers)

    def test_a_changed_answer_is_refused(self, sealed, referral, signers):
        context = reply_context(referral.id)
        reply = SignedReply.model_validate_json(
            unseal(from_text(sealed), referral.reply_key, context=context)
        )
        other = reply.model_copy(update={"answer": reply.answer.replace("common", "rare")})
        made = seal(other.model_dump_json().encode(), referral.reply_key.public, context=context)
        self.refused(to_text(made), referral, signers)

    @pytest.mark.parametrize("text", ["", "x", "AAAA", "é"])
    def test_what_is_no_reply_is_refused(self, referral, signers, text):
        self.refused(text, referral, signers)
