"""The name model at run time, with a stub in place of the network."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from compliance.deidentify.deadline import OutOfTimeError, time_budget
from compliance.deidentify.engine import build_analyzer
from compliance.deidentify.evaluate import Document, Score
from compliance.deidentify.names import evaluate
from compliance.deidentify.names.decode import NameSpan, decode
from compliance.deidentify.names.encoding import (
    BODY,
    CLS,
    IGNORED,
    LABELS,
    SEP,
    encode,
    labels,
    windows,
)
from compliance.deidentify.names.model import (
    NameModel,
    bare_tokenizer,
    digest,
    present,
)
from compliance.deidentify.recognizers import learned_names
from compliance.deidentify.recognizers.learned_names import LearnedNameRecognizer
from compliance.deidentify.settings import DeidentifySettings
from compliance.errors import BadInputError, NotFoundError

WORDS = ("ana", "ng", "##uyen", "lopez", "saw", "dr", ".", ",", "in", "x", "'", "s", "o", "brien")
NAMES = {"ana", "ng", "lopez", "brien"}


def tokenizer() -> Tokenizer:
    vocabulary = {"[PAD]": 0, "[UNK]": 1, **{w: i + 2 for i, w in enumerate(WORDS)}}
    found = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    found.normalizer = BertNormalizer(lowercase=True)
    found.pre_tokenizer = BertPreTokenizer()
    return bare_tokenizer(found)


class Stub:
    """Takes the pieces of ``NAMES`` for people, and remembers what it was given."""

    def __init__(self) -> None:
        self.feeds: list[dict[str, Any]] = []
        self.names = [WORDS.index(w) + 2 for w in NAMES]

    def run(self, outputs: None, feeds: dict[str, Any]) -> list[Any]:
        self.feeds.append(feeds)
        ids = feeds["input_ids"]
        logits = np.zeros((*ids.shape, len(LABELS)), np.float32)
        logits[..., 0] = 8
        named = np.isin(ids, self.names)
        logits[named, 0] = 0
        logits[named, LABELS.index("B-PERSON")] = 8
        return [logits]


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def model(stub: Stub) -> NameModel:
    return NameModel(stub, tokenizer(), LABELS, 0.5)


def texts(model: NameModel, text: str) -> list[str]:
    return [text[s.start : s.end] for s in model.find(text)]


def test_offsets_point_at_the_name(model: NameModel) -> None:
    text = "saw Ana, in x"
    (span,) = model.find(text)
    assert (text[span.start : span.end], span.type) == ("Ana", "PERSON")
    assert 0.9 < span.score <= 1


def test_one_piece_takes_its_whole_word_along(model: NameModel) -> None:
    assert texts(model, "dr. Nguyen saw x") == ["Nguyen"]


def test_a_possessive_stays(model: NameModel) -> None:
    assert texts(model, "x saw Ana's x") == ["Ana"]


@pytest.mark.parametrize("before", ["", "😀 ", "ǅ ", "e\u0301e\u0301 ", "ﬀ ﬁ ", "漢字 ", "İ "])
def test_offsets_are_code_points_whatever_stands_before(model: NameModel, before: str) -> None:
    assert texts(model, f"{before}x LÓPEZ x") == ["LÓPEZ"]


@pytest.mark.parametrize("at", [0, 1, BODY - 33, BODY - 32, BODY - 1, BODY, BODY + 1, 300, 399])
def test_a_name_at_any_place_of_a_long_text_is_found_once(model: NameModel, at: int) -> None:
    words = ["x"] * 400
    words[at] = "Nguyen"
    text = " ".join(words)
    (span,) = model.find(text)
    assert (span.start, span.end) == (at * 2, at * 2 + 6)


@pytest.mark.parametrize("count", [1, BODY - 1, BODY, BODY + 1, BODY + 94, BODY + 95, 1000])
def test_windows_cover_every_piece_and_overlap(count: int) -> None:
    cuts = windows(count)
    assert {i for a, b in cuts for i in range(a, b)} == set(range(count))
    assert all(0 < b - a <= BODY for a, b in cuts)
    assert all(later[0] < earlier[1] for earlier, later in pairwise(cuts))


def test_no_text_has_no_window(model: NameModel) -> None:
    assert windows(0) == []
    assert model.find("") == []
    assert model.find(" \n ") == []


def test_each_window_has_its_marks_and_mask(model: NameModel, stub: Stub) -> None:
    model.find(" ".join(["x"] * 200))
    (feeds,) = stub.feeds
    assert feeds["input_ids"].shape == (2, BODY + 2)
    assert list(feeds["input_ids"][:, 0]) == [CLS, CLS]
    assert feeds["input_ids"][0, -1] == SEP
    assert list(feeds["attention_mask"].sum(1)) == [BODY + 2, 200 - (BODY - 32) + 2]


def test_the_case_of_a_word_reaches_the_model(model: NameModel, stub: Stub) -> None:
    model.find("Ana NGUYEN saw o'Brien 'Ana")
    (feeds,) = stub.feeds
    pieces = encode(tokenizer(), "Ana NGUYEN saw o'Brien 'Ana").cases
    assert list(feeds["token_type_ids"][0, 1:-1]) == pieces
    assert pieces == [1, 2, 2, 0, 0, 0, 0, 1, 1]


def test_a_call_that_is_out_of_time_stops(model: NameModel) -> None:
    with pytest.raises(OutOfTimeError), time_budget(1e-9):
        model.find("Ana")


def test_pieces_get_their_labels() -> None:
    text = "saw Ana Nguyen, x"
    encoded = encode(tokenizer(), text)
    found = [LABELS[i] for i in labels(encoded, [(4, 14, "PERSON")])]
    assert found == ["O", "B-PERSON", "I-PERSON", "I-PERSON", "O", "O"]


def test_what_rules_find_is_left_out_of_the_loss() -> None:
    encoded = encode(tokenizer(), "saw x")
    assert labels(encoded, [(4, 5, "ELSEWHERE")]) == [0, IGNORED]


def chances(*rows: tuple[float, float, float]) -> Any:
    return np.array(rows, np.float32)


def test_neighbours_join_until_another_name_begins() -> None:
    names = ("O", "B-PERSON", "I-PERSON")
    rows = chances((0, 1, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0))
    found = decode("ana lopez ana x", [(0, 3), (4, 9), (10, 13), (14, 15)], rows, names, 0.5)
    assert [(s.start, s.end) for s in found] == [(0, 9), (10, 13)]


def test_the_threshold_decides() -> None:
    rows = chances((0.6, 0.3, 0.1))
    for threshold, count in ((0.3, 1), (0.5, 0)):
        found = decode("ana", [(0, 3)], rows, ("O", "B-PERSON", "I-PERSON"), threshold)
        assert len(found) == count


def test_signs_alone_are_no_name() -> None:
    assert (
        decode("--", [(0, 1), (1, 2)], chances((0, 1, 0), (0, 0, 1)), ("O", "B-X", "I-X"), 0.5)
        == []
    )


def test_a_model_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    assert not present(tmp_path)
    with pytest.raises(NotFoundError, match="not there") as caught:
        NameModel.load(tmp_path)
    assert "infra/train.sh" in caught.value.advice


@pytest.mark.parametrize("wrong", ["model", "tokenizer"])
def test_another_file_than_was_measured_is_refused(tmp_path: Path, wrong: str) -> None:
    files = {"model": tmp_path / "names.onnx", "tokenizer": tmp_path / "names.tokenizer.json"}
    for path in files.values():
        path.write_bytes(b"something")
    right = {name: digest(path) for name, path in files.items()}
    told = {"labels": LABELS, "threshold": 0.5, "sha256": right | {wrong: "0" * 64}}
    (tmp_path / "names.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(BadInputError, match=wrong):
        NameModel.load(tmp_path)


def test_the_recognizer_reports_in_presidios_terms(model: NameModel) -> None:
    recognizer = LearnedNameRecognizer("es", model)
    (found,) = recognizer.analyze("x Ana x", ["PERSON", "LOCATION"])
    assert (found.entity_type, found.start, found.end) == ("PERSON", 2, 5)
    assert found.score > 0.5
    assert recognizer.analyze("x Ana x", ["LOCATION"]) == []


def test_without_a_model_the_recognizer_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> NameModel:
        raise NotFoundError("gone")

    monkeypatch.setattr(learned_names, "_shared", missing)
    with pytest.raises(NotFoundError):
        LearnedNameRecognizer("en")
    with pytest.raises(NotFoundError):
        build_analyzer(DeidentifySettings(revision=1, names="required"))


def test_the_model_runs_in_both_languages_when_it_is_required(
    monkeypatch: pytest.MonkeyPatch, model: NameModel
) -> None:
    monkeypatch.setattr(learned_names, "_shared", lambda: model)
    registry = build_analyzer(DeidentifySettings(revision=1, names="required")).registry
    for code in ("en", "es"):
        names = {r.name for r in registry.get_recognizers(language=code, all_fields=True)}
        assert "LearnedNameRecognizer" in names
    registry = build_analyzer(DeidentifySettings(revision=1, names="off")).registry
    names = {r.name for r in registry.get_recognizers(language="en", all_fields=True)}
    assert "LearnedNameRecognizer" not in names


def test_what_rules_look_for_counts_neither_way() -> None:
    score = Score()
    wanted = Document("Ana a@b.c x", ((0, 3, "PERSON"), (4, 9, "ELSEWHERE")))
    spans = [NameSpan(0, 3, "PERSON", 1), NameSpan(4, 9, "PERSON", 1)]
    evaluate.score_spans(score, wanted.text, spans, wanted)
    assert (score.found["PERSON"], score.total.total(), score.removed) == (1, 1, 0)


def test_the_threshold_keeps_over_removal_within_its_limit(model: NameModel) -> None:
    assert evaluate.choose_threshold(model, 20, 1) == 0.1


def test_figures_are_shares(model: NameModel) -> None:
    found = evaluate.figures(model, 30, 1)
    assert {"recall", "leak", "over"} <= found.keys()
    assert all(0 <= value <= 1 for value in found.values())
    json.dumps(found)


def test_a_set_is_scored_on_names_and_places_only(model: NameModel) -> None:
    read = iter([Document("Ana 2020-01-01", ((0, 3, "PERSON"), (4, 14, "DATE_TIME")))])
    score = evaluate.set_score(model, read)
    assert dict(score.total) == {"PERSON": 1}


def test_evaluation_without_a_model_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main(["--model", str(tmp_path)]) == 2
    assert "not there" in capsys.readouterr().err
