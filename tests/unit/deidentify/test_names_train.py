"""What of the training runs without torch."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import BertPreTokenizer

from compliance.deidentify.names import _batches
from compliance.deidentify.names.encoding import CLS, IGNORED, LABELS, MAX_TOKENS, SEP
from compliance.deidentify.names.train import Plan


@pytest.fixture
def tokenizer() -> Any:
    found = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    found.pre_tokenizer = BertPreTokenizer()
    return found


def test_a_chunk_has_the_same_batches_each_time(tokenizer: Any) -> None:
    assert _batches.batches(tokenizer, 7, 1, 600) == _batches.batches(tokenizer, 7, 1, 600)


def test_chunks_differ_and_do_not_touch_the_global_dice(tokenizer: Any) -> None:
    random.seed(1)
    state = random.getstate()
    assert _batches.batches(tokenizer, 7, 0, 40) != _batches.batches(tokenizer, 8, 0, 40)
    assert random.getstate() == state


def test_the_last_chunk_holds_what_is_left(tokenizer: Any) -> None:
    found = _batches.batches(tokenizer, 7, 1, _batches.CHUNK + 3)
    assert 3 <= sum(map(len, found)) <= 12


def test_examples_are_windows_with_marks_outside_the_loss(tokenizer: Any) -> None:
    for one in _batches.examples(tokenizer, 7, 0, 50):
        assert len(one.ids) == len(one.cases) == len(one.labels) <= MAX_TOKENS
        assert (one.ids[0], one.ids[-1]) == (CLS, SEP)
        assert (one.labels[0], one.labels[-1]) == (IGNORED, IGNORED)


def test_rare_labels_weigh_more(tokenizer: Any) -> None:
    weights = _batches.label_weights(_batches.examples(tokenizer, 7, 0, 100))
    assert len(weights) == len(LABELS)
    assert weights[0] == 1
    assert all(1 <= weight <= 4 for weight in weights[1:])


def test_another_plan_has_another_checkpoint() -> None:
    assert Plan(10, 2, 7).digest() == Plan(10, 2, 7).digest()
    assert len({Plan(10, 2, 7).digest(), Plan(10, 2, 8).digest(), Plan(11, 2, 7).digest()}) == 3
    assert Plan(10, 2, 7).total == 20
