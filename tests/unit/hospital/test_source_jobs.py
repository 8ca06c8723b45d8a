"""Sources at the hospital: jobs ask them and check, a person approves, the repository signs."""

from __future__ import annotations

import asyncio

import pytest

from services.bricks.manifest import BrickManifest
from services.bricks.repository.delegations import delegate
from services.bricks.repository.key_maker import KeyPlan
from services.hospital import service
from services.hospital.jobs import add_job
from services.hospital.models import Job
from services.hospital.queue import LEARNING, lane, make_celery
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.hospital.sources import sources_of
from services.learning.sources.book import FETCH, STEP
from services.learning.sources.release import RepositoryPublisher
from services.learning.sources.states import State
from services.learning.sources.view import overview
from tests.support.brick_repository import World
from tests.support.knowledge_sources import House, Site, label, labels, listed, served


@pytest.fixture
def world(tmp_path):
    """A signed repository where the hospital's own lies, and keys for medicines."""
    (tmp_path / "hospital").mkdir()
    made = World(tmp_path / "hospital")
    made.init()
    return made


@pytest.fixture
def open_hospital(tmp_path, monkeypatch, world):
    """Opens a hospital that asks one source, with an embedder that only counts words."""
    made = []

    def open_(site):
        def small(_settings, database, _outbound, _embedder):
            publisher = RepositoryPublisher(tmp_path / "hospital", world.ring)
            folder = tmp_path / "house"
            folder.mkdir()
            house = House(
                folder, listed(site.origin), add_job=add_job, database=database,
                publisher=publisher,
            )  # fmt: skip
            made.append(house)
            return house.sources

        monkeypatch.setattr(service, "sources_of", small)
        hospital = Hospital(HospitalSettings(data=tmp_path / "hospital"))
        made.append(hospital)
        return hospital

    yield open_
    for one in made:
        one.database.close()


async def work(hospital):
    """Do every job that is due."""
    while found := [j for j in hospital.jobs.due() if j.startswith("learning-")]:
        assert await hospital.do(found[0])


async def test_jobs_bring_a_source_to_the_clinician_and_its_brick_into_the_repository(
    open_hospital, world
):
    async with served(Site()) as site:
        site.given["/labels.json"] = labels(label(), label("Brimolate", 2))
        hospital = open_hospital(site)
        hospital.sources.tick()
        hospital.sources.tick()
        await work(hospital)
    (row,) = hospital.sources.book.listing()
    assert row.state == State.WAITING
    assert hospital.jobs.counts() == {"done": 2}
    hospital.sources.people.approve(row.id, row.candidate, "ana")
    await work(hospital)
    row = hospital.sources.book.get(row.id)
    assert (row.state, row.brick) == (State.SIGNING, "labels@1")  # nobody may sign its field yet
    plan = KeyPlan([world.held])
    delegate(world.repository, world.maker, plan, world.ring(), level="clinic", domain="medicines")
    assert hospital.sources.sign(row.id) == State.PUBLISHED
    manifest = BrickManifest.parse(world.fetch("clinic/medicines/labels/1.json"))
    assert row.candidate in manifest.lineage.note
    assert manifest.licence == "CC0 1.0"


async def test_a_source_that_fails_is_written_down_and_its_job_is_done(open_hospital):
    async with served(Site()) as site:
        hospital = open_hospital(site)
        site.answers = [(503, {"retry-after": "3600"}, b"")]
        hospital.sources.tick()
        await work(hospital)
    (one,) = overview(hospital.sources)
    assert (one["health"], one["failures"]) == ("failing", 1)
    assert hospital.jobs.counts() == {"done": 1}


async def test_a_copy_of_a_step_that_comes_late_is_fenced_off(open_hospital):
    async with served(Site()) as site:
        site.given["/labels.json"] = labels(label())
        hospital = open_hospital(site)
        hospital.sources.tick()
        await work(hospital)
    (row,) = hospital.sources.book.listing()
    with hospital.database.transaction() as session:
        job = session.get_one(Job, f"{STEP}:{row.id}.1")
        job.state = "pending"  # the broker gives it once more
    await work(hospital)
    assert hospital.sources.book.get(row.id).candidate == row.candidate
    assert len(hospital.sources.book.listing()) == 1


def test_sources_have_the_queue_behind_that_of_patients_and_a_clock(tmp_path):
    assert {lane(f"{kind}:x")["queue"] for kind in (FETCH, STEP)} == {LEARNING}
    celery = make_celery(HospitalSettings(data=tmp_path))
    assert celery.conf.beat_schedule["sources"]["task"] == "caretier.sources"


def test_the_shipped_list_asks_nobody_until_the_operator_lists_an_origin(tmp_path, world):
    def made(outbound):
        settings = HospitalSettings(data=tmp_path / f"h{len(outbound)}", outbound=outbound)
        hospital = Hospital(settings)
        found = sources_of(settings, hospital.database, hospital.outbound, dict)
        told = {one["id"]: one["health"] for one in overview(found)}
        found.tick()
        due = hospital.jobs.due()
        asyncio.run(hospital.close())
        return told, due

    told, due = made("")
    assert set(told.values()) == {"off"}
    assert due == []
    told, due = made("https://api.fda.gov")
    assert told.pop("openfda-labels") == "never"
    assert set(told.values()) == {"off"}
    assert due == [f"{FETCH}:openfda-labels.0"]
