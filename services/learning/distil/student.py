"""Train a student: an adapter of a small rank that answers as the parent does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from services.bricks.adapters.base import Base, named_base, write_note
from services.bricks.adapters.peft_folder import read_peft, write_peft
from services.bricks.adapters.unpack import unpack, unpack_embedded
from services.bricks.errors import BrickError
from services.engines.settings import embedded_model
from services.engines.torch_side import Say, run_module
from services.learning.aggregate import Delta
from services.learning.convert import adapter_of, delta_of
from services.learning.evaluate.worker import reply
from services.learning.rounds.files import read_delta, write_delta
from services.learning.train.onto import onto

SLACK_SECONDS = 120.0
"""Beyond the training's own bound, after which its process is ended."""


@dataclass(frozen=True)
class Recipe:
    """How a student is trained.

    Attributes:
        rank: of the student; steps, batch, rate: of AdamW.
        tokens: of an answer of the parent at most.
        seconds: after which training stops with what it has.
        threads: of the CPU.
    """

    rank: int = 4
    steps: int = 40
    batch: int = 8
    rate: float = 2e-4
    tokens: int = 24
    seconds: float = 900.0
    threads: int = 1


@dataclass(frozen=True)
class Student:
    """What came of it: the change, and how far from the parent it was and is (nats a token)."""

    delta: Delta
    steps: int
    before: float
    after: float


@dataclass(frozen=True)
class Teacher:
    """The parent: the base's GGUF file, and its adapter as a folder of PEFT and for llama.cpp."""

    model: Path
    peft: Path
    gguf: Path


def train_student(
    teacher: Teacher, questions: Sequence[str], recipe: Recipe, say: Say = lambda _line: None
) -> Student:
    """Let the parent answer, and draw a student to its answers token by token.

    Args:
        teacher: the parent.
        questions: that it answers.
        recipe: of the student.
        say: is told of progress.

    Raises:
        BrickError: there is nothing to distil from, or it came to numbers that are none.
        EngineError, EngineUnavailableError: a process broke off, or there is no torch.
    """
    model, threads = teacher.model, recipe.threads
    answers = reply(model, teacher.gguf, questions, tokens=recipe.tokens, threads=threads, say=say)
    pairs = zip(questions, answers, strict=True)
    examples = [{"question": q, "answer": a.strip()} for q, a in pairs if a.strip()]
    if not examples:
        raise BrickError("The parent gave no answers to distil from.")
    adapter = read_peft(teacher.peft)
    start, _lost = onto(delta_of(adapter), {}, recipe.rank)
    with TemporaryDirectory() as scratch:
        folder, out = Path(scratch), Path(scratch) / "student.safetensors"
        write_delta(folder / "start.safetensors", start)
        write_peft(adapter_of(delta_of(adapter), Base.of(model).digest), folder / "teacher")
        told = run_module(
            "services.learning.distil.worker",
            {
                "base": str(base_folder(model, folder)),
                "teacher": str(folder / "teacher"),
                "start": str(folder / "start.safetensors"),
                "out": str(out),
                "examples": examples,
                "modules": sorted({projection for _, projection in adapter.parts}),
                **asdict(recipe),
            },
            say=say,
            seconds=recipe.seconds + SLACK_SECONDS,
            refused=BrickError,
        )
        delta = read_delta(out)
    sides = [side for factors in delta.values() for side in (factors.up, factors.down)]
    if not all(np.isfinite(side).all() for side in sides):
        raise BrickError("The student came to numbers that are none.", remedy="Lower the rate.")
    return Student(delta, told["steps"], told["before"], told["after"])


def base_folder(model: Path, scratch: Path) -> Path:
    """The model in Transformers' form; the embedded one is unpacked once for all."""
    if model == embedded_model():
        return unpack_embedded()
    folder = scratch / "base"
    unpack(model, folder)
    if named_base(folder) is None:
        write_note(folder, Base.of(model).digest)
    return folder
