"""Train the reader: MiniLM fine-tuned to say how urgent a message is and what kind a question is.

    python -m services.consult.reader.train_reader [--epochs 3] [--seed 7] [--out FOLDER]

Needs the extra ``train``; one core takes about half an hour. Reads ``corpus/urgency``,
``corpus/kind`` and ``corpus/record`` (what a message asks of one's own record), and
``corpus/pairs`` both for kinds (a section says the kind of its question) and for messages that are
no emergency. Keeps a tenth of the texts for choosing, writes ``reader.onnx`` (int8) and
``reader.json`` (labels, temperatures, figures of the texts kept out, digest of the corpus).
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.consult.kinds import kind_of
from services.consult.reader import _training as training
from services.consult.reader.reader import TASKS
from services.consult.spanish import in_english

MAX_TOKENS = 96
BATCH = 24
SMOOTHING = 0.05
"""Weight of the labels that are not right."""
PERSONAL = frozenset({"choose", "seek-care", "overdose", "children", "pregnancy", "missed-dose"})
"""Kinds of questions that may tell of something urgent."""


CALM = "routine|urgent"
"""The label of a message that is no emergency, whatever else it is."""
GRAVE = frozenset({"when-to-seek-care", "serious-side-effects", "overdose", "what-to-do"})
"""Sections whose questions may tell of an emergency."""
CALM_SHARE = 0.6
"""Share of the questions about passages that are shown as no emergency."""
TRANSLATED = 0.5
"""Share of the Spanish questions whose kind is learned from their rough English, as it is read."""


@dataclass(frozen=True)
class Example:
    """A text with the label of one task; any of several labels is written ``a|b``."""

    task: str
    label: str
    text: str


def read(task: str) -> Iterator[Example]:
    """Read a task's corpus: a header ``# <label> …``, then a text a line."""
    for path in sorted((training.CORPUS / task).glob("*.txt")):
        label = ""
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("#"):
                label = line.removeprefix("#").split()[0]
            elif line.strip():
                yield Example(task, label, line.strip())


def examples() -> list[Example]:
    """All examples of all tasks; questions are also messages that are no emergencies."""
    found = [e for task in TASKS for e in read(task)]
    general = [e for e in found if e.task == "kind" and e.label not in PERSONAL]
    routine = (Example("urgency", "routine", e.text) for e in general[::2])
    own = (e for e in found if e.task == "record" and e.label != "dose-by-mistake")
    calm = (Example("urgency", CALM, e.text) for e in own)
    return [*found, *routine, *calm, *_of_pairs()]


def _of_pairs() -> Iterator[Example]:
    """Kinds of the questions about passages, and that they are no emergencies."""
    dice = random.Random(7)  # noqa: S311 - no secret
    for pair in training.pairs():
        kind = kind_of(pair.sections[0]) if pair.sections else None
        if kind is not None:
            yield Example("kind", kind, pair.text)
        if not GRAVE & set(pair.sections) and dice.random() < CALM_SHARE:
            yield Example("urgency", CALM, pair.text)


def _model(labels: dict[str, list[str]]) -> Any:
    """MiniLM with a linear head for each task on the mean of its tokens."""
    import torch

    class Reader(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = training.body()
            self.drop = torch.nn.Dropout(0.1)
            size = self.body.config.hidden_size
            self.heads = torch.nn.ModuleList(torch.nn.Linear(size, len(labels[t])) for t in TASKS)

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            x = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(x.dtype)
            mean = self.drop((x * mask).sum(1) / mask.sum(1))
            return tuple(head(mean) for head in self.heads)

    return Reader()


class Trainer:
    """One run of training."""

    def __init__(self, seed: int, epochs: int) -> None:
        import torch

        self.examples = examples()
        named = {(e.task, label) for e in self.examples for label in e.label.split("|")}
        self.labels = {t: sorted(label for task, label in named if task == t) for t in TASKS}
        torch.manual_seed(seed)
        self.dice, self.epochs = random.Random(seed), epochs  # noqa: S311 - no secret
        self.tokenizer = training.tokenizer(MAX_TOKENS)
        self.model = _model(self.labels)

    def encode(self, texts: Sequence[str]) -> dict[str, Any]:
        """Token ids and mask, int64 of shape (n, tokens)."""
        return training.encode(self.tokenizer, texts)

    def train(self) -> None:
        """Run all epochs, one task a batch."""
        import torch

        used = [e for e in self.examples if not training.kept_out(e.text)]
        weights = {t: self._weights(t, used) for t in TASKS}
        descent = training.Descent(self.model, self.epochs * (len(used) // BATCH + 4))
        for epoch in range(self.epochs):
            self.model.train()
            for batch in self._batches(used):
                task = batch[0].task
                with torch.autocast("cpu", torch.bfloat16):
                    inputs = self.encode([self._shown(e) for e in batch])
                    logits = self.model(**inputs)[TASKS.index(task)]
                descent.step(self._loss(logits.float(), batch, weights[task]))
            sys.stdout.write(f"epoch {epoch + 1}: right {self.check()}\n")
            sys.stdout.flush()

    def _shown(self, example: Example) -> str:
        text = example.text
        if example.task == "kind" and self.dice.random() < TRANSLATED:
            text = in_english(text)
        return training.vary(text, self.dice)

    def _loss(self, logits: Any, batch: Sequence[Example], weights: Any) -> Any:
        """Weighted cross entropy; where several labels are right, of their joint probability."""
        import torch

        log = torch.log_softmax(logits, 1)
        right = self._right(batch)
        likely = torch.logsumexp(log + right.log(), 1)
        weight = (right * weights).sum(1) / right.sum(1)
        wanted = -(weight * likely).sum() / weight.sum()
        return (1 - SMOOTHING) * wanted - SMOOTHING * log.mean()

    def _right(self, batch: Sequence[Example]) -> Any:
        """1 where a label is right, else 0; float32 of shape (n, labels)."""
        import torch

        labels = self.labels[batch[0].task]
        return torch.tensor([[float(x in e.label.split("|")) for x in labels] for e in batch])

    def _weights(self, task: str, used: Sequence[Example]) -> Any:
        """Weight of each label, so that rare ones count (root of the inverse frequency)."""
        import torch

        counts = Counter(e.label for e in used if e.task == task)
        most = max(counts.values())
        return torch.tensor([(most / counts[x]) ** 0.5 for x in self.labels[task]]).float()

    def _batches(self, used: Sequence[Example]) -> list[list[Example]]:
        found = []
        for task in TASKS:
            own = [e for e in used if e.task == task]
            found += training.batches(own, BATCH, lambda e: len(e.text), self.dice)
        self.dice.shuffle(found)
        return found

    def scores(self, task: str) -> tuple[Any, Any]:
        """Logits of what is kept out, float32 of shape (n, labels), and the wanted labels."""
        import torch

        self.model.eval()
        every = (e for e in self.examples if e.task == task and "|" not in e.label)
        out = [e for e in every if training.kept_out(e.text)]
        rows = []
        with torch.no_grad():
            for start in range(0, len(out), 64):
                texts = [e.text for e in out[start : start + 64]]
                rows.append(self.model(**self.encode(texts))[TASKS.index(task)])
        wanted = np.array([self.labels[task].index(e.label) for e in out])
        return torch.cat(rows).numpy(), wanted

    def check(self) -> dict[str, float]:
        """Share of right labels among what is kept out."""
        found = {}
        for task in TASKS:
            scores, wanted = self.scores(task)
            found[task] = round(float((scores.argmax(1) == wanted).mean()), 4)
        return found

    def save(self, out: Path) -> None:
        """Write the model and what belongs to it."""
        out.mkdir(parents=True, exist_ok=True)
        told = {
            "labels": self.labels,
            "temperature": {t: training.temperature(*self.scores(t)) for t in TASKS},
            "examples": {t: sum(e.task == t for e in self.examples) for t in TASKS},
            "kept_out_right": self.check(),
            "corpus": training.digest([e.text for e in self.examples]),
        }
        sample = self.encode(["what is asthma?", "my chest hurts"])
        training.export(self.model, sample, TASKS, out / "reader.onnx")
        (out / "reader.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    training.run(Trainer, __doc__, epochs=3)
