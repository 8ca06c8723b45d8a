"""Adapters as content: both forms of one set of weights, measured by what the model does with it.

Probes are questions with what the answer has to look like; they lie beside the weights, so that the
next version is measured by the same ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from services.bricks.adapters.adapter import Adapter
from services.bricks.adapters.base import Base
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.adapters.peft_folder import CONFIG, read_peft, write_peft
from services.bricks.errors import BrickError
from services.bricks.knowledge import PACKS, read_folder
from services.bricks.manifest import BrickKind, BrickManifest, Evaluation, Role
from services.bricks.operations.evaluate import Against, compared
from services.bricks.operations.workshop import Workshop
from services.engines.errors import EngineError
from services.engines.torch_side import run_module

PEFT, PROBES, GGUF = "peft", "probes.jsonl", "adapter.gguf"
"""Where an adapter's brick has PEFT's folder, its questions with expected answers, and llama.cpp's
form."""
MOST_SENTENCES = 24
"""Of the built-in pack, on which it is measured how far the model still knows its language."""
LANGUAGE, BEHAVIOUR = "sentences of the built-in pack", "probes"
SHOWN = "answers as expected"
"""The measure of probes: the share that is answered as expected."""


class Probe(BaseModel):
    """A question, and a pattern that the model's answer shows when the adapter does its work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str = "You help with health questions."
    user: str = Field(min_length=1, max_length=2000)
    expect: str = Field(min_length=1, max_length=200)

    @field_validator("expect")
    @classmethod
    def _is_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return value


def is_adapter(path: Path) -> bool:
    """Whether a folder holds an adapter in PEFT's form, by itself or in a brick."""
    return (path / CONFIG).is_file() or (path / PEFT / CONFIG).is_file()


@dataclass(frozen=True)
class AdapterContent:
    """An adapter that fits its base model, where it lies in PEFT's form, and its probes."""

    adapter: Adapter
    base: Base
    folder: Path
    probes: tuple[Probe, ...] = ()
    kind: BrickKind = "adapter"

    @classmethod
    def read(cls, path: Path, model: Path | None) -> Self:
        """Read it, and check it against its base model.

        Args:
            path: the folder, or that of a brick.
            model: the base model, as a folder in Transformers' form or a GGUF file.

        Raises:
            BrickError: it is not as it has to be, or no base model was given.
            AdapterMismatchError: it was trained on another model.
        """
        if model is None:
            raise BrickError(
                "The base model of the adapter is not here.",
                remedy="Name it with --model; `make up` or infra/vllm.sh lays the embedded one.",
            )
        folder = path / PEFT if (path / PEFT).is_dir() else path
        adapter, base = read_peft(folder), Base.of(model)
        adapter.check(base)
        return cls(adapter, base, folder, read_probes(path / PROBES))

    def fields(self) -> dict[str, Any]:
        """Base model and rank."""
        return {"base": self.adapter.base, "rank": self.adapter.rank}

    def files(
        self,
        draft: Path,
        before: BrickManifest | None,  # noqa: ARG002 - as whatever a brick holds
    ) -> Mapping[str, tuple[Path, Role]]:
        """Both forms of it, and its probes."""
        write_peft(self.adapter, draft / PEFT)
        write_gguf_adapter(self.adapter, self.base.heads, draft / GGUF, self.folder.name)
        found: dict[str, tuple[Path, Role]] = {
            f"{PEFT}/{path.name}": (path, "peft") for path in sorted((draft / PEFT).iterdir())
        }
        found[GGUF] = (draft / GGUF, "gguf")
        if self.probes:
            lines = (probe.model_dump_json() + "\n" for probe in self.probes)
            (draft / PROBES).write_text("".join(lines), encoding="utf-8")
            found[PROBES] = (draft / PROBES, "other")
        return found

    def beside(self, parent: AdapterContent) -> tuple[AdapterContent, AdapterContent]:
        """Itself and its parent, both on its own probes: it is used in the parent's place."""
        return self, replace(parent, probes=())

    def measure(
        self, shop: Workshop, before: Sequence[AdapterContent], against: Against = "best"
    ) -> list[Evaluation]:
        """Its probes and its language, in the environment with torch; else beside the base alone.

        Raises:
            EngineError: there is no such environment, or the base model is not in Transformers'
                form.
        """
        if shop.model is None or not shop.model.is_dir():
            raise EngineError(
                "An adapter is measured with its base model in Transformers' form.",
                remedy="infra/vllm.sh lays the embedded one; name another with --model.",
            )
        probes = tuple(dict.fromkeys([*(p for b in before for p in b.probes), *self.probes]))
        sentences = language_sentences()
        request = {
            "model": str(shop.model),
            "adapters": [str(content.folder) for content in (self, *before)],
            "probes": [probe.model_dump() for probe in probes],
            "sentences": sentences,
        }
        module = "services.bricks.operations.torch_probe"
        figures = run_module(module, request, say=shop.say, refused=BrickError)
        new, *rest = figures["adapters"]
        others = rest or [figures["base"]]
        suites = [("shown", BEHAVIOUR, SHOWN, len(probes))] if probes else []
        suites.append(("perplexity", LANGUAGE, "perplexity", len(sentences)))
        return [
            Evaluation(
                suite=suite,
                metric=metric,
                value=new[key],
                before=compared([other[key] for other in others], metric, against),
                n=n,
                date=shop.now().date(),
            )
            for key, suite, metric, n in suites
        ]


def read_probes(path: Path) -> tuple[Probe, ...]:
    """The probes of a file, one JSON object a line; none where there is no file.

    Raises:
        BrickError: naming the line that is no probe.
    """
    if not path.is_file():
        return ()
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            found.append(Probe.model_validate(json.loads(line)))
        except (ValueError, ValidationError) as error:
            reason = str(error).splitlines()[-1]
            raise BrickError(f"{path.name}:{number} is no probe: {reason}") from None
    return tuple(found)


@cache
def language_sentences() -> tuple[str, ...]:
    """A fixed choice of the built-in pack's sentences."""
    topics = [topic for topic, _ in read_folder(PACKS)]
    step = max(1, len(topics) // MOST_SENTENCES)
    return tuple(topic.passages[0].sentences[0] for topic in topics[::step])[:MOST_SENTENCES]
