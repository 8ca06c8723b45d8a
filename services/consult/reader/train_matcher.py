"""Train the matcher: MiniLM fine-tuned to bring a question near the passages that answer it.

    python -m services.consult.reader.train_matcher [--epochs 4] [--seed 7] [--out FOLDER]

Needs the extra ``train``; one core takes about half an hour. Reads ``corpus/pairs`` (for each topic
questions with the sections that answer them, and tempting ones that nothing answers),
``corpus/kind`` (questions that no leaflet answers) and the packs. The vectors of the packs stay
those of the index; learned are the question's encoder, a linear map of the packs' vectors, and
what a question must reach (the *nothing* score, which depends on the question). A question is held
against every passage at once; one that its topic does not answer, against that topic's; so is one
with another name put into it. Every tenth question is kept out. Writes ``matcher.onnx`` (int8),
``matcher.npz`` and ``matcher.json``. A question is shown as `services.consult.asked` puts it: in
English, with the titles of what it names, now and then without them; and of every section the
plain question is asked, by one of the topic's names.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.bricks.knowledge import Knowledge
from services.bricks.retrieval import KnowledgeIndex
from services.bricks.words import Mention
from services.consult.asked import titled, titles_of
from services.consult.kinds import kind_of
from services.consult.reader import _training as training
from services.consult.reader.matcher import MAX_TOKENS
from services.consult.reader.train_reader import read as read_labelled
from services.consult.spanish import in_english, plain_question
from services.engines.embed import DIMENSIONS, Embedder
from services.engines.settings import models_folder

BATCH = 32
BODY_RATE, HEAD_RATE = 4e-5, 1e-4
SCALE = 20.0
"""What cosines are multiplied with at the start; learned."""
FAR = -1e4
SWAPPED, MADE_UP = 0.3, 0.5
"""Share of questions shown with another name as well; share of those whose name nothing has."""
UNTITLED = 0.15
"""Share of questions shown without the titles of what they name."""
CONTINUED = 0.5
"""Share of the questions without their topic's name that are shown with its title."""
PLAIN = 0.3
"""Share of the sections whose plain question is asked in an epoch."""
FOREIGN = 0.08
"""Questions of no leaflet's kind, for each question of the corpus."""
_WORD = re.compile(r"[\w]+(?:['\u2019]\w+)?")
_SYLLABLES = (
    "vel", "kor", "tra", "zin", "mab", "lo", "phen", "dri", "xa", "tol", "gan", "sy", "ril", "itis",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question: the passages (rows) that answer it, and those it is held against.

    ``right`` is empty when nothing among ``against`` answers; ``against`` is None for all passages.
    """

    text: str
    topic: str
    right: tuple[int, ...]
    against: tuple[int, ...] | None


class Corpus:
    """The questions, tied to the passages of the packs."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        knowledge = Knowledge.load("hospital")
        self.index = KnowledgeIndex(knowledge, Embedder.load(), models_folder() / "knowledge")
        self.topics = knowledge.by_id
        self.rows = {p.id: i for i, p in enumerate(self.index.passages)}
        self.asked = list(self._read())
        labelled = [e for e in read_labelled("kind") if e.label in {"other", "chat"}]
        self.foreign = [Asked(e.text, "", (), None) for e in labelled]

    def own(self, topic: str) -> tuple[int, ...]:
        """Rows of a topic's passages."""
        return tuple(self.rows[p.id] for p in self.topics[topic].passages)

    def _read(self) -> Iterator[Asked]:
        for pair in training.pairs():
            if pair.topic in self.topics:
                named = (f"{pair.topic}#{section}" for section in pair.sections)
                right = tuple(self.rows[n] for n in named if n in self.rows)
                against = None if right else self.own(pair.topic)
                yield Asked(pair.text, pair.topic, right, against)

    def shown(self, asked: Asked) -> str:
        """A question as the matcher reads it, varied, now and then without titles.

        One that does not name its topic is shown half the time as if it continued a talk about it.
        """
        known = self.dice.random() < CONTINUED or asked.topic in self._named(asked.text)
        titles = self.titles(asked) if known and self.dice.random() >= UNTITLED else []
        return titled(training.vary(in_english(asked.text), self.dice), titles)

    def titles(self, asked: Asked) -> list[str]:
        """Titles of what a question names, or of the topic it belongs to."""
        found = titles_of(asked.text, self.index)
        own = self.topics.get(asked.topic)
        return found or ([own.head.title] if own else [])

    def _named(self, text: str) -> set[str]:
        return {m.topic for m in self.index.mentions(text)}

    def _plain(self) -> Iterator[Asked]:
        """The plain questions of some sections, by any name of their topic."""
        for row, passage in enumerate(self.index.passages):
            kind = kind_of(passage.section)
            if kind is not None and self.dice.random() < PLAIN:
                topic = self.topics[passage.topic.id]
                text = plain_question(kind, self.dice.choice(topic.names))
                yield Asked(text, topic.head.id, (row,), None)

    def epoch(self, *, kept_out: bool) -> list[Asked]:
        """The questions of one epoch, some with other names, and some of no leaflet's kind."""
        own = [a for a in self.asked if training.kept_out(a.text) is kept_out]
        swapped = [s for a in own if self.dice.random() < SWAPPED and (s := self._renamed(a))]
        foreign = [a for a in self.foreign if training.kept_out(a.text) is kept_out]
        some = self.dice.sample(foreign, min(len(foreign), round(FOREIGN * len(own))))
        return [*own, *swapped, *some, *(() if kept_out else self._plain())]

    def _renamed(self, asked: Asked) -> Asked | None:
        """The question about something else: another topic's name, or one that nothing has."""
        found = [m for m in self.index.mentions(asked.text) if m.topic == asked.topic]
        if not found or not asked.right:
            return None
        if self.dice.random() < MADE_UP:
            name = "".join(self.dice.choice(_SYLLABLES) for _ in range(self.dice.choice((2, 3, 4))))
            return Asked(_put(asked.text, found[0], name), "", (), None)
        kind = self.topics[asked.topic].head.kind
        same = [t for t in self.topics.values() if t.head.kind == kind and t.head.id != asked.topic]
        name = self.dice.choice(self.dice.choice(same).names)
        return Asked(_put(asked.text, found[0], name), "", (), self.own(asked.topic))


def _put(text: str, mention: Mention, name: str) -> str:
    """The text with a mention's words replaced."""
    places = [m.span() for m in _WORD.finditer(text)]
    start, end = places[mention.start][0], places[min(mention.end, len(places)) - 1][1]
    return text[:start] + name + text[end:]


def _model(units: Any, passage_of: Any) -> Any:
    """The question's encoder, the map of the packs' vectors, and the score of *nothing*."""
    import torch

    class Matcher(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = training.body()
            self.map = torch.nn.Parameter(torch.eye(DIMENSIONS))
            self.scale = torch.nn.Parameter(torch.tensor(SCALE))
            self.nothing = torch.nn.Linear(DIMENSIONS, 1)
            torch.nn.init.zeros_(self.nothing.weight)
            torch.nn.init.constant_(self.nothing.bias, SCALE * 0.6)

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            """Vectors of unit length (n, 384) and scores of nothing (n,)."""
            x = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(x.dtype)
            mean = (x * mask).sum(1) / mask.sum(1)
            vectors = torch.nn.functional.normalize(mean, dim=-1)
            return vectors, self.nothing(mean).squeeze(-1)

        def passages(self, vectors: Any) -> Any:
            """Score of each passage: its best unit's; shape (n, passages)."""
            mapped = torch.nn.functional.normalize(units @ self.map, dim=-1)
            scores = self.scale * vectors @ mapped.T
            count = int(passage_of.max()) + 1
            best = torch.full((len(vectors), count), FAR)
            return best.scatter_reduce(
                1, passage_of.expand(len(vectors), -1), scores, "amax", include_self=False
            )

    return Matcher()


class Trainer:
    """One run of training."""

    def __init__(self, seed: int, epochs: int) -> None:
        import torch

        torch.manual_seed(seed)
        self.dice, self.epochs = random.Random(seed), epochs  # noqa: S311 - no secret
        self.corpus = Corpus(self.dice)
        index = self.corpus.index
        self.count = len(index.passages)
        units = torch.from_numpy(index.unit_vectors)
        self.model = _model(units, torch.tensor([u.passage for u in index.units]))
        self.tokenizer = training.tokenizer(MAX_TOKENS)
        self.out = self.corpus.epoch(kept_out=True)

    def encode(self, texts: Sequence[str]) -> dict[str, Any]:
        """Token ids and mask, int64 of shape (n, tokens)."""
        return training.encode(self.tokenizer, texts)

    def train(self) -> None:
        """Run all epochs, each with other names swapped in."""
        sys.stdout.write(f"epoch 0: {self.check()}\n")
        rounds = [self.corpus.epoch(kept_out=False) for _ in range(self.epochs)]
        steps = sum(len(r) // BATCH + 2 for r in rounds)
        descent = training.Descent(self.model, steps, body=BODY_RATE, heads=HEAD_RATE)
        for number, asked in enumerate(rounds, 1):
            self.model.train()
            for batch in training.batches(asked, BATCH, lambda a: len(a.text), self.dice):
                descent.step(self._loss(batch))
            sys.stdout.write(f"epoch {number}: {self.check()}\n")
            sys.stdout.flush()

    def _loss(self, batch: Sequence[Asked]) -> Any:
        """Cross entropy of the right passages (or nothing) against what each is held against."""
        import torch

        texts = [self.corpus.shown(a) for a in batch]
        with torch.autocast("cpu", torch.bfloat16):
            vectors, nothing = self.model(**self.encode(texts))
        scores = self.model.passages(vectors.float())
        scores = torch.cat([scores, nothing.float().unsqueeze(1)], 1)
        held = torch.full_like(scores, FAR)
        right = torch.full_like(scores, FAR)
        for row, asked in enumerate(batch):
            held[row, list(asked.against) if asked.against is not None else slice(0, -1)] = 0
            right[row, list(asked.right) or [-1]] = 0
        held[:, -1] = 0
        return (torch.logsumexp(scores + held, 1) - torch.logsumexp(scores + right, 1)).mean()

    def check(self) -> dict[str, float]:
        """On what is kept out: right passage first, in three; answered, refused rightly."""
        import torch

        self.model.eval()
        first = third = answered = refused = 0
        asked = [a for a in self.out if a.right]
        silent = [a for a in self.out if not a.right]
        with torch.no_grad():
            for start in range(0, len(self.out), 64):
                batch = self.out[start : start + 64]
                texts = [titled(in_english(a.text), self.corpus.titles(a)) for a in batch]
                vectors, nothing = self.model(**self.encode(texts))
                scores = self.model.passages(vectors)
                best = scores.topk(3).indices.tolist()
                for a, three, row, none in zip(batch, best, scores, nothing, strict=True):
                    first += bool(a.right) and three[0] in a.right
                    third += bool(set(three) & set(a.right))
                    near = row[list(a.against)] if a.against is not None else row
                    answered += bool(a.right) and bool(row[list(a.right)].max() > none)
                    refused += not a.right and bool(near.max() < none)
        shares = {
            "first": first / len(asked),
            "in three": third / len(asked),
            "answered": answered / len(asked),
            "refused": refused / len(silent),
        }
        return {name: round(value, 3) for name, value in shares.items()}

    def save(self, out: Path) -> None:
        """Write the model and what belongs to it."""
        out.mkdir(parents=True, exist_ok=True)
        told = {
            "questions": len(self.corpus.asked),
            "kept_out": self.check(),
            "corpus": training.digest([a.text for a in self.corpus.asked]),
        }
        sample = self.encode(["what is asthma?", "gout diet"])
        training.export(self.model, sample, ["vector", "nothing"], out / "matcher.onnx")
        np.savez(
            out / "matcher.npz",
            map=self.model.map.detach().numpy().astype(np.float16),
            scale=np.float32(self.model.scale.detach()),
        )
        (out / "matcher.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    training.run(Trainer, __doc__, epochs=4)
