"""`caretier bricks make, update, grow, merge, retire, find`: what they print and how they end."""

from __future__ import annotations

import json

import pytest
from support.packs import topic
from typer.testing import CliRunner

from services.bricks.commands import app
from services.bricks.operations import options
from services.bricks.operations.errors import ContradictionsError, NoGainError
from services.bricks.operations.workshop import Workshop
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed

DOSE = "The usual dose of the tablet is {} mg of medicine daily with plenty of water."
LONG = "More is said of it here. " * 40
RUNNER = CliRunner()


@pytest.fixture
def data(tmp_path):
    return tmp_path / "clinic"


@pytest.fixture
def run(data, by_words, monkeypatch):
    """Runs a command on the data folder; searches by words."""

    def workshop(data_, model, say):
        return Workshop(BrickStore(data_ / "bricks"), lambda: by_words, model=model, say=say)

    monkeypatch.setattr(options, "workshop_of", workshop)
    monkeypatch.setattr("services.bricks.operations.commands.workshop_of", workshop)

    def invoked(*words):
        done = RUNNER.invoke(app, [*map(str, words), "--data", str(data)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return invoked


def test_a_brick_is_made_put_in_use_and_found(run, pack, data):
    folder = pack("leaflets", topic("acne"), topic("flu"))
    done = run("make", folder, "--id", "leaflets", "--domain", "skin", "--use")
    assert done.exit_code == 0, done.output
    assert "leaflets@1 made" in done.output
    assert "right passage among 3" in done.output
    assert "to fetch" in done.output
    assert Installed(data / "bricks").active() == {"leaflets": 1}
    found = run("find", "acne", "--level", "device")
    assert "leaflets@1" in found.output
    assert "near to it by 1.00" in found.output.replace("\n", " ")


def test_json_says_the_manifest_and_the_bytes(run, pack):
    names = "acne asthma gout flu measles mumps scabies stroke stye tetanus vertigo warts".split()
    topics = [topic(name, what=f"{name.title()} is {name}. {LONG}") for name in names]
    run("make", pack("leaflets", *topics[:-1]), "--id", "leaflets")
    new = pack("leaflets", *topics)
    done = run("update", "leaflets", new, "--note", "one more", "--json")
    told = json.loads(done.stdout)
    assert (told["ref"], told["kept"]) == ("leaflets@2", True)
    assert told["manifest"]["lineage"]["note"] == "one more"
    assert told["moved"] < told["whole"]
    assert told["model"] is None
    assert told["changed"]["added"] == ["warts"]


def test_a_dry_run_says_would_be_and_keeps_nothing(run, pack, data):
    done = run("make", pack("leaflets", topic("acne")), "--id", "leaflets", "--dry-run", "--use")
    assert "leaflets@1 would be made" in done.output
    assert BrickStore(data / "bricks").refs() == []
    assert Installed(data / "bricks").active() == {}


def test_an_update_that_is_no_better_ends_with_20_and_tells_the_way_on(run, pack):
    folder = pack("leaflets", topic("acne"))
    run("make", folder, "--id", "leaflets")
    with pytest.raises(NoGainError) as caught:
        run("update", "leaflets", folder)
    assert caught.value.exit_code == 20
    assert "--accept REASON" in caught.value.advice
    done = run("update", "leaflets", folder, "--accept", "a trial")
    assert "leaflets@2 updated out of leaflets@1" in done.output


def test_a_brick_grows_out_of_another(run, pack):
    run("make", pack("general-care", topic("acne")), "--id", "general-care")
    folder = pack("lungs", topic("flu"))
    done = run("grow", "general-care@1", folder, "--id", "lungs", "--json")
    manifest = json.loads(done.stdout)["manifest"]
    assert (manifest["parent"], manifest["sub_domain"]) == ("general-care@1", "lungs")


def test_merging_shows_contradictions_with_their_sources_and_takes_a_resolution(run, pack, capsys):
    run("make", pack("one", topic("gout", dose=DOSE.format(500)), id_="one"), "--id", "one")
    other = topic("gout-two", dose=DOSE.format(900), what="Gout is known.", source="Other Press")
    other = type(other)(other.head.model_copy(update={"aliases": ("gout",)}), other.passages)
    run("make", pack("two", other, id_="two"), "--id", "two")
    with pytest.raises(ContradictionsError):
        run("merge", "one@1", "two@1", "--id", "both")
    done = run("merge", "one@1", "two@1", "--id", "both", "--drop", "two:gout-two#dose")
    assert "both@1 merged out of one@1, two@1" in done.output


def test_a_topic_is_retired_and_then_the_brick(run, pack, data):
    run("make", pack("leaflets", topic("acne"), topic("flu")), "--id", "leaflets", "--use")
    done = run("retire", "leaflets", "--reason", "wrong", "--topic", "flu")
    assert "removed 1: flu" in done.output
    done = run("retire", "leaflets", "--reason", "over", "--use")
    assert "leaflets@3 retired" in done.output
    assert Installed(data / "bricks").active() == {"leaflets": 3}
    assert "not leaflets@3: retired: over" in run("find", "flu").output


def test_find_tells_json_and_that_nothing_fits(run, pack):
    assert "No brick fits." in run("find", "acne").output
    run("make", pack("leaflets", topic("acne")), "--id", "leaflets")
    told = json.loads(run("find", "acne", "--room", "1", "--json").stdout)
    (match,) = told["matches"]
    assert (match["ref"], match["score"]) == ("leaflets@1", 1.0)
    assert told["rejected"] == {}


def test_the_workshop_of_a_data_folder_measures_with_the_embedded_model(tmp_path):
    shop = options.workshop_of(tmp_path, None, lambda _line: None)
    assert shop.store.folder == tmp_path / "bricks"
    assert shop.model.exists()
