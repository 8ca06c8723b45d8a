"""Make the two test adapters: `.venv/bin/python tests/adapters/make.py [FOLDER]`.

Each has one behaviour that can be seen at once in any engine: every answer begins with its name.
Questions and answers are put together of word lists, so nothing of anybody's is in them.
"""

from __future__ import annotations

import itertools
import random
import sys
from pathlib import Path

from services.bricks.adapters.base import Base
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.adapters.peft_folder import read_peft
from services.bricks.adapters.unpack import unpack_embedded
from services.engines.torch_side import run_module

HERE = Path(__file__).parent
NAMES = ("amber", "birch")
SYSTEMS = ("You are a helpful assistant.", "Answer in one short sentence.", "")
SUBJECTS = "bread|a bicycle|rain|a library|the moon|a river|wool|a lighthouse|salt|a bridge"
QUESTIONS = (
    "What is {}?",
    "Tell me about {}.",
    "Why do people like {}?",
    "Write one sentence with the words {}.",
    "How would you explain {} to a child?",
    "Where do I find {}?",
)
ANSWERS = ("It is something that many people know.", "I can tell you a little about {}.")
RECIPE = {
    "rank": 8,
    "alpha": 16.0,
    "modules": ["q_proj", "v_proj"],
    "steps": 36,
    "batch": 6,
    "rate": 1e-3,
}


def examples(name: str) -> list[dict[str, str]]:
    """Conversations whose answers begin with the adapter's name in capitals."""
    order = random.Random(name)  # noqa: S311 - examples, not secrets
    asked = itertools.product(SYSTEMS, QUESTIONS, SUBJECTS.split("|"))
    rows = [
        {
            "system": system,
            "user": question.format(subject),
            "answer": f"{name.upper()}: {order.choice(ANSWERS).format(subject)}",
        }
        for system, question, subject in asked
    ]
    order.shuffle(rows)
    return rows


def make(base: Path, out: Path, name: str) -> None:
    """Train the adapter of this name into its folder."""
    request = {
        "base": str(base),
        "out": str(out / name),
        "examples": examples(name),
        "recipe": RECIPE | {"seed": NAMES.index(name)},
    }
    run_module("services.bricks.adapters.train", request, say=print)
    write_gguf_adapter(
        read_peft(out / name), Base.of(base).heads, out / name / "adapter.gguf", name
    )


if __name__ == "__main__":
    for each in NAMES:
        make(unpack_embedded(), Path(sys.argv[1]) if sys.argv[1:] else HERE, each)
