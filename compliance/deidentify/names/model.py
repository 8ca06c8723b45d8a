"""The model at run time: onnxruntime and tokenizers, no torch; about 25,000 characters a second."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from compliance.deidentify.deadline import remaining
from compliance.deidentify.names.decode import Floats, NameSpan, decode
from compliance.deidentify.names.encoding import CLS, SEP, Encoded, encode, windows
from compliance.errors import BadInputError, NotFoundError

FOLDER = Path(__file__).parent
MODEL_FILE, FACTS_FILE, TOKENIZER_FILE = "names.onnx", "names.json", "names.tokenizer.json"
BATCH = 2
"""Windows that run at once; between batches the call's time budget is looked at."""


class Session(Protocol):
    """What is used of onnxruntime's session."""

    def run(self, outputs: None, feeds: dict[str, Any]) -> Sequence[Any]:
        """Logits of shape (batch, tokens, labels) for int64 arrays of shape (batch, tokens)."""


class NameModel:
    """Finds names and places in text.

    Attributes:
        labels: names of the logits' columns.
        threshold: least probability of being an entity, 0 to 1.
        by_type: thresholds of the types that have one of their own.
    """

    def __init__(
        self,
        session: Session,
        tokenizer: Any,
        labels: Sequence[str],
        threshold: float,
        by_type: Mapping[str, float] | None = None,
    ) -> None:
        self.by_type = dict(by_type or {})
        self._session, self._tokenizer = session, tokenizer
        self.labels, self.threshold = tuple(labels), threshold

    @classmethod
    def load(cls, folder: Path = FOLDER) -> NameModel:
        """Load the trained model, on one thread.

        Raises:
            NotFoundError: it is not there.
            BadInputError: a file is not the one that was trained and measured.
        """
        if not present(folder):
            raise NotFoundError(
                "The name model is not there.",
                remedy="Install the project whole, or run infra/train.sh "
                "compliance.deidentify.names.train.",
            )
        told = json.loads((folder / FACTS_FILE).read_text("utf-8"))
        for name, wanted in ((MODEL_FILE, "model"), (TOKENIZER_FILE, "tokenizer")):
            if digest(folder / name) != told["sha256"][wanted]:
                raise BadInputError(
                    f"The name model's {wanted} is not the one that was measured.",
                    remedy="Install the project and its packages again.",
                )
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # the arena keeps the largest batch for ever
        session = onnxruntime.InferenceSession(
            str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
        )
        return cls(
            session,
            bare_tokenizer(Tokenizer.from_file(str(folder / TOKENIZER_FILE))),
            told["labels"],
            told["threshold"],
            told.get("by_type"),
        )

    def find(self, text: str) -> list[NameSpan]:
        """Names and places, offsets in code points of ``text``; those of one type are disjoint.

        Raises:
            OutOfTimeError: the call's time budget is spent.
        """
        encoded, chances = self.chances(text)
        found: list[NameSpan] = []
        for threshold in sorted({self.threshold, *self.by_type.values()}):
            spans = decode(text, encoded.offsets, chances, self.labels, threshold)
            found += [s for s in spans if self.by_type.get(s.type, self.threshold) == threshold]
        return sorted(found, key=lambda s: (s.start, s.end))

    def chances(self, text: str) -> tuple[Encoded, Floats]:
        """The pieces of a text, and their probabilities of shape (pieces, labels).

        A piece that lies in two windows is read in the one where it is farther from an edge.
        """
        encoded = encode(self._tokenizer, text)
        count = len(encoded.ids)
        found = np.zeros((count, len(self.labels)), np.float32)
        depth = np.full(count, -1)
        cuts = windows(count)
        for first in range(0, len(cuts), BATCH):
            remaining()
            batch = cuts[first : first + BATCH]
            for (start, end), rows in zip(batch, self._run(encoded, batch), strict=True):
                place = np.arange(start, end)
                own = np.minimum(
                    place - start if start else place - start + count,
                    end - 1 - place if end < count else end - 1 - place + count,
                )
                deeper = own > depth[start:end]
                found[place[deeper]] = rows[: end - start][deeper]
                depth[place[deeper]] = own[deeper]
        return encoded, found

    def _run(self, encoded: Encoded, batch: Sequence[tuple[int, int]]) -> Floats:
        """Probabilities of shape (windows, longest, labels), without the marks."""
        width = max(end - start for start, end in batch) + 2
        ids, mask, case = (np.zeros((len(batch), width), np.int64) for _ in range(3))
        for row, (start, end) in enumerate(batch):
            size = end - start
            ids[row, : size + 2] = [CLS, *encoded.ids[start:end], SEP]
            mask[row, : size + 2] = 1
            case[row, 1 : size + 1] = encoded.cases[start:end]
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": case}
        logits = np.asarray(self._session.run(None, feeds)[0], np.float32)
        raised = np.exp(logits - logits.max(-1, keepdims=True))
        chances: Floats = (raised / raised.sum(-1, keepdims=True))[:, 1:]
        return chances


def present(folder: Path = FOLDER) -> bool:
    """Whether a trained model lies in the folder, whole."""
    return all((folder / name).is_file() for name in (MODEL_FILE, FACTS_FILE, TOKENIZER_FILE))


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def bare_tokenizer(tokenizer: Any) -> Any:
    """The tokenizer without cutting and padding: windows do both."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
