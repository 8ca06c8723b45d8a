"""The evaluation counts what it says, and the bench is put together from the generator."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from compliance.deidentify import Deidentifier
from compliance.deidentify.bench import texts
from compliance.deidentify.evaluate import Document, Score, __main__, report, sets, wilson
from compliance.deidentify.evaluate.table import Target


def test_recall_wants_every_letter_and_over_counts_other_words() -> None:
    score = Score()
    document = Document("Ana Lopez has a cough", ((0, 9, "NAME"),))
    score.add(document, [(0, 9), (16, 21)])
    score.add(document, [(0, 8)])
    assert (score.recall(), score.leak()) == (0.5, 0.5)
    assert score.over() == 1 / 6


def test_what_is_not_asked_for_counts_neither_way_and_is_named() -> None:
    score = Score()
    score.add(Document("Mr Lopez", ((3, 8, "NAME"),), excluded=((0, 2, "TITLE"),)), [(0, 8)])
    assert (score.recall(), score.words, dict(score.excluded)) == (1.0, 0, {"TITLE": 1})
    assert "not asked for: TITLE 1" in report("set", score)


def test_a_lowered_document_keeps_its_offsets() -> None:
    one = Document("İnci ÖZ", ((0, 7, "NAME"),)).lowered()
    assert one.text == "İnci öz"
    assert one.spans == ((0, 7, "NAME"),)


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (5, 10), (10, 10)])
def test_the_interval_holds_the_share(hits: int, total: int) -> None:
    low, high = wilson(hits, total)
    assert 0 <= low <= hits / total <= high + 1e-9 <= 1 + 1e-9
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_missed_target_is_named() -> None:
    score = Score()
    score.add(Document("Ana coughs", ((0, 3, "NAME"),)), [(4, 10)])
    missed = Target(0.9, 0.1, 0.1).missed(score)
    assert [line.split()[0] for line in missed] == ["recall", "leak", "over"]
    assert report("set", score, Target(0.9)).count("MISSED") == 1
    assert not Target().missed(score)


def test_general_sentences_leave_out_years_titles_and_young_ages(tmp_path: Path) -> None:
    text = "Mr Ray, 44, born 1980, met Ana, 93"
    kinds = {"Mr": "TITLE", "Ray": "PERSON", "44": "AGE", "1980": "DATE_TIME", "93": "AGE"}
    spans = [
        {
            "start_position": text.index(value),
            "end_position": text.index(value) + len(value),
            "entity_type": kind,
        }
        for value, kind in kinds.items()
    ]
    (tmp_path / "synth_v2_dev.json").write_text(json.dumps([{"full_text": text, "spans": spans}]))
    (one,) = sets.presidio_research(tmp_path)
    assert [kind for _, _, kind in one.spans] == ["PERSON", "AGE"]
    assert [kind for _, _, kind in one.excluded] == [
        "TITLE",
        "AGE below 90",
        "DATE_TIME a year alone",
    ]


def test_spanish_relations_without_a_name_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "dev"
    folder.mkdir()
    (folder / "a.txt").write_text("su madre Ana", encoding="utf-8")
    (folder / "a.ann").write_text(
        "T1\tFAMILIARES_SUJETO_ASISTENCIA 3 8\tmadre\nT2\tFAMILIARES_SUJETO_ASISTENCIA 9 12\tAna\n",
        encoding="utf-8",
    )
    (one,) = sets.meddocan(tmp_path)
    assert one.spans == ((9, 12, "FAMILIARES_SUJETO_ASISTENCIA"),)
    assert one.language == "es"


def test_visits_are_asked_for_the_names_of_the_metadata(tmp_path: Path) -> None:
    for part in ("train", "valid"):
        for name, row in (
            (f"{part}.csv", {"encounter_id": "1", "dialogue": "hi ana", "note": "Ana coughs"}),
            (
                f"{part}_metadata.csv",
                {
                    "encounter_id": "1",
                    "patient_firstname": "Ana",
                    "patient_familyname": "Rey",
                    "doctor_name": "",
                },
            ),
        ):
            with (tmp_path / name).open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, list(row))
                writer.writeheader()
                writer.writerow(row)
    assert [d.spans for d in sets.aci_bench(tmp_path)] == 2 * [
        ((3, 6, "patient"),),
        ((0, 3, "patient"),),
    ]


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    folder = tmp_path / "medquad"
    folder.mkdir()
    lines = [json.dumps({"answer": "Drink water and rest."})] * 3
    (folder / "medquad.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_the_command_says_one_when_a_target_is_missed(
    answers: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    detector: Deidentifier,
) -> None:
    monkeypatch.setattr(Deidentifier, "load", classmethod(lambda _cls, _config=None: detector))
    assert __main__.main(["--data", str(answers)]) == 0
    assert "health answers: 3 documents" in capsys.readouterr().out
    strict: Any = __main__.Trial("x", "medquad", sets.medquad, Target(over=-1.0))
    monkeypatch.setattr(__main__, "TRIALS", (strict,))
    assert __main__.main(["--data", str(answers)]) == 1
    assert "MISSED: over" in capsys.readouterr().out


def test_the_command_says_two_when_no_set_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detector: Deidentifier
) -> None:
    monkeypatch.setattr(Deidentifier, "load", classmethod(lambda _cls, _config=None: detector))
    assert __main__.main(["--data", str(tmp_path)]) == 2


def test_the_bench_texts_are_the_same_each_time_and_of_like_length() -> None:
    every = texts(6_000)
    assert every == texts(6_000)
    assert all(2_000 <= len(text) < 4_000 for text in every[:-1])
