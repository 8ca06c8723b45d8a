"""Training batches, decided by seed and chunk alone, so that an interrupted run goes on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from compliance.deidentify.names.encoding import CLS, IGNORED, LABELS, SEP, encode, labels, windows
from compliance.deidentify.names.generate import document

CHUNK = 512
"""Documents that are made, sorted by length and cut into batches together."""
BATCH = 32


@dataclass(frozen=True, slots=True)
class Example:
    """One window with its marks: ids, case and label of each token."""

    ids: list[int]
    cases: list[int]
    labels: list[int]


def examples(tokenizer: Any, seed: int, first: int, count: int) -> list[Example]:
    """The windows of documents ``first`` to ``first + count``."""
    found = []
    for number in range(first, first + count):
        one = document(seed, number)
        encoded = encode(tokenizer, one.text)
        wanted = labels(encoded, one.spans)
        for a, b in windows(len(encoded.ids), overlap=0):
            found.append(
                Example(
                    [CLS, *encoded.ids[a:b], SEP],
                    [0, *encoded.cases[a:b], 0],
                    [IGNORED, *wanted[a:b], IGNORED],
                )
            )
    return found


def batches(tokenizer: Any, seed: int, chunk: int, total: int) -> list[list[Example]]:
    """The batches of one chunk, in shuffled order, each of windows of like length."""
    first = chunk * CHUNK
    own = examples(tokenizer, seed, first, min(CHUNK, total - first))
    dice = random.Random(f"{seed}/batches/{chunk}")  # noqa: S311 - no secret
    dice.shuffle(own)
    own.sort(key=lambda e: len(e.ids))
    found = [own[i : i + BATCH] for i in range(0, len(own), BATCH)]
    dice.shuffle(found)
    return found


def tensors(batch: list[Example]) -> dict[str, Any]:
    """Inputs and ``labels`` of a batch, int64 of shape (windows, longest)."""
    import torch

    width = max(len(e.ids) for e in batch)

    def padded(rows: list[list[int]], filling: int) -> Any:
        return torch.tensor([[*row, *[filling] * (width - len(row))] for row in rows])

    return {
        "input_ids": padded([e.ids for e in batch], 0),
        "attention_mask": padded([[1] * len(e.ids) for e in batch], 0),
        "token_type_ids": padded([e.cases for e in batch], 0),
        "labels": padded([e.labels for e in batch], IGNORED),
    }


def label_weights(sample: list[Example]) -> list[float]:
    """A weight for each label: fourth root of the inverse frequency, at most 4, ``O`` at 1."""
    counts = [1] * len(LABELS)
    for example in sample:
        for label in example.labels:
            if label != IGNORED:
                counts[label] += 1
    return [1.0, *(min(4.0, (counts[0] / count) ** 0.25) for count in counts[1:])]
