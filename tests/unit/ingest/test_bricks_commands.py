"""`caretier bricks` and `caretier bench retrieval`: what they print and how they end."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from services.bricks import bench
from services.bricks.catalogue import pack_cards, packs_in
from services.bricks.commands import app
from services.bricks.errors import BrickError
from services.bricks.ingest import ManifestError
from services.bricks.knowledge import PACKS, Knowledge
from services.bricks.show import PATIENCE, progress_bar
from services.cli.main import LazyGroup

RUNNER = CliRunner()
SAID = {
    "--title": "Leaflets",
    "--publisher": "City Hospital",
    "--licence": "CC BY 4.0",
    "--date": "2025-06-30",
    "--url": "https://example.org/leaflets",
}
PAGE = "<h1>Gout</h1><p>Gout is arthritis.</p><h2>Treatment</h2><p>Take 5 mg of it daily now.</p>"


def options(**change):
    given = SAID | {f"--{name}": value for name, value in change.items()}
    return [part for pair in given.items() if pair[1] for part in pair]


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "gout.html"
    path.write_text(PAGE)
    return path


def make(page, out, **change):
    return RUNNER.invoke(app, ["ingest", str(page), "--out", str(out), *options(**change)])


def test_the_commands_are_registered():
    assert LazyGroup(name="caretier").get_command(None, "bricks").name == "bricks"


def test_ingest_says_what_it_made(page, tmp_path):
    done = make(page, tmp_path / "leaflets")
    assert done.exit_code == 0, done.output
    assert "topics" in done.output
    held = Knowledge.load("device", tmp_path / "leaflets")
    assert [p.section for p in held.passages] == ["what", "treatment"]
    assert held.topics[0].head.id.startswith("leaflets-gout-")


def test_ingest_prints_json_and_ends_with_2_when_an_item_is_bad(page, tmp_path):
    (tmp_path / "bad.pdf").write_bytes(b"x")
    sources = [str(tmp_path / "bad.pdf"), str(page)]
    done = RUNNER.invoke(
        app, ["ingest", *sources, "--out", str(tmp_path / "out"), "--json", *options()]
    )
    assert done.exit_code == 2
    held = json.loads(done.stdout)
    assert (held["topics"], held["bad"]) == (1, 1)
    assert held["problems"][0]["place"] == "bad.pdf"


@pytest.mark.parametrize("name", ["title", "publisher", "licence", "date"])
def test_ingest_refuses_what_is_not_said(page, tmp_path, name):
    done = make(page, tmp_path / "out", **{name: None})
    assert isinstance(done.exception, ManifestError)
    assert f"{name} is not said" in done.exception.message
    assert not (tmp_path / "out").exists()


def test_ingest_takes_a_manifest_file(page, tmp_path):
    file = tmp_path / "pack.yaml"
    file.write_text(
        "id: gouty\ntitle: Leaflets\npublisher: WHO\nlicence: CC0\ndate: 2025-01-01\n"
        "url: https://example.org\nlevel: clinic\nkind: disease\n"
    )
    out = tmp_path / "out"
    call = ["ingest", str(page), "--out", str(out), "--manifest", str(file), "--publisher", "CDC"]
    assert RUNNER.invoke(app, call).exit_code == 0
    (card,) = pack_cards([out])
    assert (card.id, card.publisher, card.licence, card.date) == (
        "gouty",
        "CDC",
        "CC0",
        "2025-01-01",
    )
    assert (card.levels, card.form, card.topics, card.passages) == ({"clinic": 1}, "compact", 1, 2)


def test_ingest_knows_its_formats(page, tmp_path):
    done = RUNNER.invoke(
        app, ["ingest", str(page), "--out", str(tmp_path), "--format", "word", *options()]
    )
    assert "There is no format word" in done.exception.message
    done = RUNNER.invoke(
        app, ["ingest", str(page), "--out", str(tmp_path / "o"), "--format", "html", *options()]
    )
    assert done.exit_code == 0


def test_compare_names_both_sides(page, tmp_path):
    make(page, tmp_path / "one")
    page.write_text(PAGE.replace("5 mg", "50 mg"))
    make(page, tmp_path / "two", publisher="Other Hospital")
    packs = [str(tmp_path / name) for name in ("one", "two")]
    done = RUNNER.invoke(app, ["compare", *packs])
    assert done.exit_code == 0
    assert "Found: 1 numbers." in done.output
    held = json.loads(RUNNER.invoke(app, ["compare", *packs, "--json"]).stdout)
    assert held["counts"] == {"numbers": 1}
    (found,) = held["findings"]
    assert (found["left"]["source"], found["right"]["source"]) == (
        "City Hospital",
        "Other Hospital",
    )


def test_compare_of_one_pack_with_the_one_that_ships_finds_nothing_amiss(page, tmp_path):
    make(page, tmp_path / "one")
    done = RUNNER.invoke(app, ["compare", str(tmp_path / "one"), "--built-in"])
    assert done.exit_code == 0
    assert "Found: nothing." in done.output


def test_list_shows_the_packs_in_use(page, tmp_path, monkeypatch):
    make(page, tmp_path / "leaflets")
    monkeypatch.setenv("CARETIER_PACKS", str(tmp_path / "leaflets"))
    held = json.loads(RUNNER.invoke(app, ["list", "--json"]).stdout)["packs"]
    assert [p["id"] for p in held] == ["primary-care", "leaflets"]
    assert held[0]["topics"] == len(Knowledge.load("hospital", PACKS).topics)
    assert (held[1]["licence"], held[1]["oldest"]) == ("CC BY 4.0", "2025-06-30")
    assert "Leaflets" in RUNNER.invoke(app, ["list", str(tmp_path / "leaflets")]).output


def test_list_says_when_a_pack_cannot_be_read(page, tmp_path):
    make(page, tmp_path / "leaflets")
    with (tmp_path / "leaflets" / "topics.jsonl").open("a") as stream:
        stream.write("{}\n")
    done = RUNNER.invoke(app, ["list", str(tmp_path / "leaflets")])
    assert isinstance(done.exception, BrickError)


def test_a_folder_of_packs_is_all_of_them(page, tmp_path):
    for name in ("one", "two"):
        make(page, tmp_path / "packs" / name)
    assert packs_in(tmp_path / "packs") == [tmp_path / "packs" / name for name in ("one", "two")]


def test_progress_keeps_still_when_it_is_quick(capsys, tmp_path):
    with progress_bar(10) as advance:
        advance(tmp_path, 5)
    assert capsys.readouterr().err == ""
    assert PATIENCE == 2.0


def medquad(number: int, kind: str, answer: str, focus: str) -> str:
    held = {"collection": "c", "document": str(number), "focus": focus, "qtype": kind}
    question = f"What are the {kind} of {focus}?"
    held |= {"question": question, "answer": answer, "url": "https://example.org"}
    return json.dumps(held) + "\n"


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "medquad.jsonl"
    rows = [
        medquad(1, "symptoms", "Gout makes a toe red and painful.", "Gout"),
        medquad(1, "causes", "Uric acid builds up in the blood.", "Gout"),
        medquad(2, "symptoms", "Gouty arthritis makes a joint swell.", "Gout"),
        medquad(3, "symptoms", "Asthma causes wheezing and coughing.", "Asthma"),
        medquad(4, "symptoms", "Migraine causes throbbing headache.", "Migraine"),
        medquad(5, "symptoms", "No focus here at all.", ""),
    ]
    path.write_text("".join(rows))
    return path


def test_the_bench_counts_documents_of_the_same_disease_apart(questions, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "models_folder", lambda: tmp_path / "models")
    done = RUNNER.invoke(bench.app, ["--medquad", str(questions), "--json"])
    assert done.exit_code == 0, done.output
    held = json.loads(done.stdout)
    assert (held["questions"], held["documents"], held["passages"]) == (5, 4, 5)
    assert held["same_disease"]["at_1"] == 1.0
    assert held["strict"]["at_3"] == 1.0
    assert held["strict"]["at_1"] <= held["same_disease"]["at_1"]
    assert (tmp_path / "models" / "bench-medquad").is_dir()


def test_the_bench_takes_the_same_sample_each_time(questions, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "models_folder", lambda: tmp_path / "models")
    runs = [
        RUNNER.invoke(bench.app, ["--medquad", str(questions), "--limit", "2", "--json"])
        for _ in range(2)
    ]
    first, second = (json.loads(r.stdout) for r in runs)
    assert first["questions"] == second["questions"] == 2
    assert first["strict"] == second["strict"]
    assert "same disease" in RUNNER.invoke(bench.app, ["--medquad", str(questions)]).output


def test_ranks_count_a_document_once_and_stop_at_the_depth():
    assert bench.shares([1, 2, None, 4]) == {
        "at_1": 0.25,
        "at_3": 0.5,
        "at_10": 0.75,
        "mrr": 0.4375,
    }
