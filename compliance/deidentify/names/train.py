"""Train the name-and-place model: MiniLM fine-tuned as a token classifier on made-up texts.

    infra/train.sh compliance.deidentify.names.train --documents 50000 --epochs 2

Needs the extra ``train``. Each epoch reads new documents of the generator. An interrupted run goes
on from its last checkpoint (in ``--work``) when it is started again with the same settings.
Writes ``names.onnx`` (int8), ``names.json`` (labels, threshold, figures on templates and names
kept out of training, digests of what was trained on and of the files) and the tokenizer.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compliance.deidentify.names import _batches as feed
from compliance.deidentify.names._tagger import Descent, export, minilm_folder, tagger
from compliance.deidentify.names.encoding import IGNORED, LABELS, MAX_TOKENS
from compliance.deidentify.names.evaluate import choose_threshold, figures
from compliance.deidentify.names.model import (
    FACTS_FILE,
    FOLDER,
    MODEL_FILE,
    TOKENIZER_FILE,
    NameModel,
    bare_tokenizer,
    digest,
)

_CHOOSING = 1500
"""Documents, from what is kept out, by which the threshold is chosen."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides a training; two runs of one plan see the same batches."""

    documents: int
    epochs: int
    seed: int

    @property
    def total(self) -> int:
        """Documents of all epochs."""
        return self.documents * self.epochs

    def digest(self) -> str:
        """Of the plan, the generator's code and its lists: a checkpoint of another is not used."""
        found = hashlib.sha256(json.dumps(asdict(self)).encode())
        names = ("lexicons", "people", "places", "coined", "slots", "templates", "vary", "generate")
        code = [FOLDER / f"{name}.py" for name in (*names, "encoding", "_batches")]
        lists = [p for part in ("lexicons", "templates") for p in (FOLDER / part).glob("*.txt")]
        for path in sorted([*code, *lists]):
            found.update(path.name.encode() + b"\0" + path.read_bytes())
        return found.hexdigest()


class Trainer:
    """One run of training, from its start or from its checkpoint."""

    def __init__(self, plan: Plan, work: Path, start_from: Path | None = None) -> None:
        import torch
        from tokenizers import Tokenizer

        torch.manual_seed(plan.seed)
        self.plan, self.chunk = plan, 0
        source = minilm_folder() / "tokenizer.json"
        self.tokenizer = bare_tokenizer(Tokenizer.from_file(str(source)))
        self.model = tagger()
        if start_from:
            self.model.load_state_dict(torch.load(start_from, weights_only=True)["model"])
        self.descent = Descent(self.model)
        weights = feed.label_weights(feed.examples(self.tokenizer, plan.seed, 0, feed.CHUNK))
        self.loss = torch.nn.CrossEntropyLoss(torch.tensor(weights), ignore_index=IGNORED)
        self.checkpoint = work / f"names-{plan.digest()[:12]}.pt"
        self._resume()

    def _resume(self) -> None:
        import torch

        if self.checkpoint.is_file():
            state = torch.load(self.checkpoint, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.descent.optimiser.load_state_dict(state["optimiser"])
            self.chunk = state["chunk"]
            _say(f"going on after chunk {self.chunk}")

    def save_checkpoint(self) -> None:
        """Write the state in one move, so that an interruption leaves the last one whole."""
        import torch

        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.checkpoint.with_suffix(".new")
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.descent.optimiser.state_dict(),
            "chunk": self.chunk,
        }
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)

    def train(self, every: int) -> None:
        """Read all chunks that are left; a checkpoint after each ``every`` of them."""
        chunks = -(-self.plan.total // feed.CHUNK)
        self.model.train()
        while self.chunk < chunks:
            started, loss = time.monotonic(), self._chunk(chunks)
            self.chunk += 1
            seconds = time.monotonic() - started
            _say(f"chunk {self.chunk}/{chunks}: loss {loss:.4f}, {seconds:.0f} s")
            if self.chunk % every == 0 or self.chunk == chunks:
                self.save_checkpoint()

    def _chunk(self, chunks: int) -> float:
        """Mean loss of one chunk's batches."""
        import torch

        own = feed.batches(self.tokenizer, self.plan.seed, self.chunk, self.plan.total)
        torch.manual_seed(self.plan.seed * 100_003 + self.chunk)
        losses = []
        for i, batch in enumerate(own):
            inputs = feed.tensors(batch)
            wanted = inputs.pop("labels")
            with torch.autocast("cpu", torch.bfloat16):
                logits = self.model(**inputs)
            loss = self.loss(logits.float().flatten(0, 1), wanted.flatten())
            self.descent.step(loss, (self.chunk + i / len(own)) / chunks)
            losses.append(float(loss.detach()))
        return sum(losses) / len(losses)

    def write(self, out: Path) -> dict[str, Any]:
        """Export, choose the threshold and measure with the very file that ships."""
        out.mkdir(parents=True, exist_ok=True)
        sample = feed.tensors(feed.examples(self.tokenizer, self.plan.seed, 0, 2))
        export(self.model, sample, out / MODEL_FILE)
        shutil.copyfile(minilm_folder() / "tokenizer.json", out / TOKENIZER_FILE)
        told = {
            "labels": list(LABELS),
            "max_tokens": MAX_TOKENS,
            "threshold": 0.5,
            "plan": asdict(self.plan),
            "trained_on": self.plan.digest(),
            "sha256": {
                "model": digest(out / MODEL_FILE),
                "tokenizer": digest(out / TOKENIZER_FILE),
            },
        }
        _write(out, told)
        model = NameModel.load(out)
        told["threshold"] = model.threshold = choose_threshold(model, _CHOOSING, self.plan.seed + 1)
        told["kept_out"] = figures(model, _CHOOSING, self.plan.seed + 2)
        _write(out, told)
        return told


def _write(out: Path, told: dict[str, Any]) -> None:
    (out / FACTS_FILE).write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Train and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=50_000, help="documents an epoch")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, help="torch's threads; default: torch's own")
    parser.add_argument("--save-every", type=int, default=5, help=f"chunks of {feed.CHUNK}")
    parser.add_argument("--work", type=Path, default=Path("var/names"))
    parser.add_argument("--start-from", type=Path, help="checkpoint of an earlier training")
    parser.add_argument("--out", type=Path, default=FOLDER)
    given = parser.parse_args(arguments)
    if given.threads:
        import torch

        torch.set_num_threads(given.threads)
    trainer = Trainer(Plan(given.documents, given.epochs, given.seed), given.work, given.start_from)
    trainer.train(given.save_every)
    _say(json.dumps(trainer.write(given.out)["kept_out"], indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
