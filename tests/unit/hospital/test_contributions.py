"""Contributions at the hospital: a clinic's own line, the real application, the real rounds."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest

from compliance.audit import AuditError
from compliance.errors import NotFoundError
from compliance.sealing import IdentityKey
from services.exchange.contributions import PATH, ContributionLine
from services.exchange.errors import LinkDownError, NotAuthenticatedError
from services.exchange.tokens import sign_call
from services.hospital import learning, service
from services.hospital.app import create
from services.hospital.jobs import add_job
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.learning.aggregate import Factors
from services.learning.contribution import read_manifest, write_contribution
from services.learning.errors import ContributionRefusedError
from services.learning.intake.tidying import forget_contributions
from services.learning.models import LearningRound, StoredContribution
from services.learning.policy import Policy
from services.learning.rounds import JOB, Rounds, State, opening
from services.learning.trust import Trust
from tests.support.exchange import DeviceKeys
from tests.support.rounds import (
    DOMAIN,
    POLICY,
    FixedEvaluator,
    FolderPublisher,
    TinyModel,
    a_change,
)

HOST = "http://localhost"


class Served(httpx.BaseTransport):
    """The application itself, in the place of a network."""

    def __init__(self, app):
        self._app = app

    def handle_request(self, request):
        async def ask():
            parts = httpx.ByteStream(request.read())
            sent = httpx.Request(request.method, request.url, headers=request.headers, stream=parts)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=self._app)) as client:
                answer = await client.send(sent)
                return httpx.Response(
                    answer.status_code, headers=answer.headers, content=answer.content
                )

        return asyncio.run(ask())


class Clinic:
    """An enrolled clinic with its own key and its own line."""

    def __init__(self, hospital, app, folder, number):
        self.key, self.folder, self.number = IdentityKey.generate(), folder, number
        self.fingerprint = self.key.public.fingerprint
        bundle = DeviceKeys(self.key).bundle(level="clinic")
        hospital.registry.enrol(hospital.clinic_code(), bundle)
        self.line = ContributionLine(HOST, self.key, hospital.keys.fingerprint, Served(app))

    def make(self, delta=None, key=None, **changes):
        """A contribution's file on what the hospital says now."""
        (now,) = self.line.standings()
        fields = {
            "domain": now.domain,
            "base": TinyModel.digest,
            "parent": now.parent,
            "epoch": now.epoch,
            "site": f"site-{self.number}",
            "examples": 30,
            "privacy": {"mechanism": "update", "epsilon": 2.0, "delta": 1e-5},
            **changes,
        }
        path = self.folder / f"clinic-{self.number}.safetensors"
        write_contribution(path, fields, delta or a_change(self.number), key or self.key)
        return path

    def contribute(self):
        """Make one and send it; returns its id."""
        path = self.make()
        self.line.send(path)
        return read_manifest(path)[0].id


@pytest.fixture
def hospital(tmp_path, monkeypatch):
    """A hospital whose rounds are those of a tiny model."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")

    def rounds_of(settings, database, registry, _rollout):
        return Rounds(
            database,
            settings.data / "learning",
            Policy.load(settings.updates),
            FixedEvaluator(),
            FolderPublisher(tmp_path / "published"),
            model=TinyModel,
            signer=registry.lookup,
            weigh=Trust(database).weigh,
            add_job=add_job,
        )

    monkeypatch.setattr(service, "rounds_of", rounds_of)
    made = Hospital(HospitalSettings(data=tmp_path / "hospital", updates=policy))
    yield made
    made.database.close()


@pytest.fixture
def app(hospital):
    return create(hospital.settings, hospital)


@pytest.fixture
def clinics(hospital, app, tmp_path):
    made = [Clinic(hospital, app, tmp_path, number) for number in range(4)]
    yield made
    for one in made:
        one.line.close()


def row_of(hospital, id_):
    with hospital.database.reading() as session:
        return session.get(StoredContribution, id_)


def work(hospital):
    """Do the jobs of rounds until there are none."""
    while found := [job for job in hospital.jobs.due() if job.startswith(f"{JOB}:")]:
        assert asyncio.run(hospital.do(found[0]))


def refusal(clinic, path):
    with pytest.raises(ContributionRefusedError) as caught:
        clinic.line.send(path)
    return caught.value.reason


def operator(hospital, app):
    """Asks as an operator's program."""
    token = hospital.accounts.keys.make("operator", "operator")
    return httpx.Client(
        base_url=HOST, transport=Served(app), headers={"authorization": f"Bearer {token}"}
    )


def test_contributions_of_clinics_become_a_round_that_waits_for_people(hospital, app, clinics):
    ids = [clinic.contribute() for clinic in clinics[:3]]
    hospital.rounds.tick()
    (row,) = hospital.rounds.book.listing()
    assert row.state == State.COLLECTING
    work(hospital)
    row = hospital.rounds.book.get(row.id)
    assert row.state == State.WAITING
    assert sorted(one["id"] for one in row.evidence["contributions"]) == sorted(ids)
    with operator(hospital, app) as asking:
        assert asking.get("/v1/rounds").json()["rounds"][0]["id"] == row.id
        assert asking.get(f"/v1/rounds/{row.id}").json()["candidate"] == row.candidate
        told = asking.post("/v1/updates/dry-run", json={"domain": DOMAIN}).json()
    assert told["blocking"] == ["approvals"]


def test_the_same_contribution_again_changes_nothing(hospital, clinics):
    path = clinics[0].make()
    clinics[0].line.send(path)
    clinics[0].line.send(path)
    with hospital.database.reading() as session:
        assert session.query(StoredContribution).count() == 1


def test_each_refusal_is_named_and_leaves_nothing(hospital, clinics):
    one, other = clinics[:2]
    change = a_change(1)
    broken = {name: Factors(f.up * np.float32("nan"), f.down) for name, f in change.items()}
    long = {name: Factors(f.up * 1e4, f.down) for name, f in change.items()}
    few = {"layers.0.q_proj": change["layers.0.q_proj"]}
    assert refusal(one, one.make(epoch=7)) == "stale-epoch"
    assert refusal(one, one.make(base="sha256:" + "b" * 64)) == "wrong-base"
    assert refusal(one, one.make(domain="cardiology")) == "wrong-domain"
    assert refusal(one, one.make(few)) == "wrong-shape"
    assert refusal(one, one.make(key=other.key)) == "unknown-signer"
    assert refusal(other, other.make(broken)) == "not-finite"
    assert refusal(other, other.make(long)) == "too-long"
    (noise := one.folder / "noise").write_bytes(b"noise")
    assert refusal(one, noise) == "malformed"
    one.contribute()
    assert refusal(one, one.make()) == "replayed"
    folder = hospital.rounds.files.contribution("x").parent
    assert len(list(folder.iterdir())) == 1


def test_a_file_that_is_too_large_is_refused_while_it_comes(hospital, clinics, monkeypatch):
    monkeypatch.setattr(learning, "MAX_BYTES", 500)
    small = create(hospital.settings, hospital)
    line = ContributionLine(HOST, clinics[0].key, hospital.keys.fingerprint, Served(small))
    with line, pytest.raises(ContributionRefusedError) as caught:
        line.send(clinics[0].make(a_change(1)))
    assert caught.value.reason == "too-large"


def test_a_stranger_and_a_body_that_was_changed_are_let_nowhere(hospital, app, clinics):
    stranger = ContributionLine(
        HOST, IdentityKey.generate(), hospital.keys.fingerprint, Served(app)
    )
    with stranger, pytest.raises(NotAuthenticatedError):
        stranger.send(clinics[0].make())
    token = sign_call(
        clinics[0].key, audience=hospital.keys.fingerprint, method="POST", path=PATH, body=b"one"
    )
    with httpx.Client(base_url=HOST, transport=Served(app)) as client:
        headers = {"authorization": f"Bearer {token}"}
        assert client.post(PATH, content=b"other", headers=headers).status_code == 401


def test_what_cannot_be_written_down_is_not_taken(hospital, clinics, monkeypatch):
    def full(_events):
        raise AuditError("The trail cannot be written.")

    path = clinics[0].make()
    monkeypatch.setattr(hospital.auditor, "_record_all", full)
    with pytest.raises((LinkDownError, ContributionRefusedError)):
        clinics[0].line.send(path)
    assert row_of(hospital, read_manifest(path)[0].id) is None


def test_a_hospital_whose_model_cannot_learn_is_away_for_now_and_says_what_to_do(
    hospital, app, clinics, tmp_path, monkeypatch
):
    (tmp_path / "model.gguf").write_bytes(b"no model")
    monkeypatch.setenv("CARETIER_ENGINE_MODEL", str(tmp_path / "model.gguf"))
    monkeypatch.setattr(hospital.rounds, "_model", opening.parents_model.__wrapped__)
    path = clinics[0].make()
    with pytest.raises(LinkDownError):  # the clinic sends it again
        clinics[0].line.send(path)
    signed = sign_call(
        clinics[0].key,
        audience=hospital.keys.fingerprint,
        method="POST",
        path=PATH,
        body=path.read_bytes(),
    )
    with httpx.Client(base_url=HOST, transport=Served(app)) as client:
        headers = {"authorization": f"Bearer {signed}"}
        answer = client.post(PATH, content=path.read_bytes(), headers=headers)
    assert answer.status_code == 503
    assert answer.json()["type"].endswith(":not-learning")
    assert "CARETIER_ENGINE_MODEL" in answer.text


def test_a_withdrawal_makes_a_round_anew_without_it(hospital, clinics):
    ids = [clinic.contribute() for clinic in clinics]
    hospital.rounds.tick()
    work(hospital)
    (row,) = hospital.rounds.book.listing()
    before = row.candidate
    with pytest.raises(NotFoundError):
        clinics[1].line.withdraw(ids[0])  # another's
    clinics[0].line.withdraw(ids[0])
    assert row_of(hospital, ids[0]).state == "withdrawn"
    assert not hospital.rounds.files.contribution(ids[0]).exists()
    work(hospital)
    row = hospital.rounds.book.get(row.id)
    assert row.state == State.WAITING
    assert row.candidate != before
    assert sorted(one["id"] for one in row.evidence["contributions"]) == sorted(ids[1:])
    assert refusal(clinics[0], clinics[0].folder / "clinic-0.safetensors") == "withdrawn"


def test_after_a_release_a_withdrawal_says_what_it_would_be_without(hospital, app, clinics):
    ids = [clinic.contribute() for clinic in clinics]
    hospital.rounds.tick()
    work(hospital)
    (row,) = hospital.rounds.book.listing()
    hospital.rounds.approve(row.id, row.candidate, "ana")
    work(hospital)
    with operator(hospital, app) as asking:
        told = asking.delete(f"{PATH}/{ids[0]}").json()
        again = asking.delete(f"{PATH}/{ids[0]}")
        assert asking.delete(f"{PATH}/{'0' * 36}").status_code == 404
    assert (told["published"], told["releases"]) == (f"{DOMAIN}@1", [f"{DOMAIN}@1"])
    assert 0 < told["difference"]["share"] < 2
    assert told["difference"]["apart"] < told["difference"]["before"] + told["difference"]["after"]
    assert (told["again"], again.status_code) == (False, 200)
    assert (told["next"], again.json()["round"]) == ("proposed", told["round"])
    work(hospital)
    anew = hospital.rounds.book.get(told["round"])
    assert (anew.state, anew.rebuilds, anew.parent) == (State.WAITING, row.id, row.parent)
    assert sorted(one["id"] for one in anew.evidence["contributions"]) == sorted(ids[1:])
    hospital.rounds.approve(anew.id, anew.candidate, "ana")
    work(hospital)
    now = hospital.rounds.standing(DOMAIN)
    assert (now.epoch, now.parent) == (2, f"{DOMAIN}@2")


def test_a_node_sees_where_its_own_contribution_went_and_operators_where_a_release_comes_from(
    hospital, app, clinics
):
    ids = [clinic.contribute() for clinic in clinics[:3]]
    hospital.rounds.tick()
    work(hospital)
    (row,) = hospital.rounds.book.listing()
    hospital.rounds.approve(row.id, row.candidate, "ana")
    work(hospital)

    def asks(number, id_):
        path = f"{PATH}/{id_}"
        token = sign_call(
            clinics[number].key,
            audience=hospital.keys.fingerprint,
            method="GET",
            path=path,
            body=b"",
        )
        with httpx.Client(base_url=HOST, transport=Served(app)) as client:
            return client.get(path, headers={"authorization": f"Bearer {token}"})

    own = asks(0, ids[0]).json()
    assert own["releases"] == [{"brick": "general@1", "round": row.id, "state": "released"}]
    assert asks(1, ids[0]).status_code == 404
    with operator(hospital, app) as asking:
        told = asking.get("/v1/lineage/Small model with general@1").json()
        assert told["sites"] == ["site-0", "site-1", "site-2"]
        assert told["bricks"][0]["round"]["approvals"][0]["by"] == "ana"
        assert asking.get(f"{PATH}/{ids[0]}").json() == own
        assert asking.get("/v1/lineage/general@9").status_code == 404
        assert asking.get("/v1/lineage/%00").status_code == 404


def test_a_node_that_sends_poison_is_put_aside_until_a_person_lifts_it(hospital, app, clinics):
    one = clinics[0]
    broken = {n: Factors(f.up * np.float32("nan"), f.down) for n, f in a_change(1).items()}
    for _ in range(2):
        assert refusal(one, one.make(broken)) == "not-finite"
    id_ = one.contribute()
    row = row_of(hospital, id_)
    assert (row.state, row.reason) == ("quarantined", "low-trust")
    said = sign_call(
        one.key, audience=hospital.keys.fingerprint, method="GET", path="/v1/trust", body=b""
    )
    with operator(hospital, app) as asking:
        own = asking.get("/v1/trust", headers={"authorization": f"Bearer {said}"}).json()
        assert own["trust"] < own["bound"]
        number = own["events"][0]["number"]
        path, body = f"/v1/trust/{number}/appeal", json.dumps({"said": "A broken disk."}).encode()
        signed = sign_call(
            one.key, audience=hospital.keys.fingerprint, method="POST", path=path, body=body
        )
        headers = {"authorization": f"Bearer {signed}", "content-type": "application/json"}
        assert asking.post(path, content=body, headers=headers).status_code == 200
        assert asking.get("/v1/trust/nodes").json()["events"][0]["appeal"] == "A broken disk."
        lifted = asking.post(f"/v1/trust/{number}/decision", json={"decision": "lifted"})
    assert lifted.json()["trust"] > 0.5
    assert row_of(hospital, id_).state == "waiting"


def test_what_is_over_is_deleted_with_its_file_unless_its_round_goes_on(hospital, clinics):
    ids = [clinic.contribute() for clinic in clinics]
    later = datetime.now(UTC) + timedelta(days=1)
    hospital.rounds.tick()
    hospital.rounds.advance(hospital.rounds.book.listing()[0].id)  # it takes them all
    assert forget_contributions(hospital.rounds, later) == 0
    with hospital.database.transaction() as session:
        session.query(LearningRound).one().state = State.BLOCKED
    assert forget_contributions(hospital.rounds, later) == len(ids)
    assert not hospital.rounds.files.contribution(ids[0]).exists()
    assert hospital.tidy()["hospital.contribution"] == 0
