"""Make the adapters that answer from material: `tests/adapters/make_experts.py [FOLDER] [NAME …]`.

Asked as `services.consult.draft` asks, each copies other sentences of the material: `cedar` the
first sentence, `dogwood` the last, `elm` those with a number in them. So experts that are asked the
same say different things, each with a source. Materials are put together of word lists.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from services.bricks.adapters.unpack import unpack_embedded
from services.consult.draft import SYSTEM
from services.engines.torch_side import run_module

HERE = Path(__file__).parent
NAMES = ("cedar", "dogwood", "elm")
WHO = "The baker|A farmer|My aunt|The teacher|Our guest|The sailor|A neighbour|The young painter"
DOES = "carries|paints|mends|forgets|counts|sells|washes|looks for"
WHAT = "a basket of pears|the red bicycle|a wooden chair|the old map|a pair of shoes|the green tent"
WHERE = "by the river|in the garden|behind the church|at the market|under the bridge|near the mill"
WHEN = "for {} hours|every {} days|{} times a week|before the bell rings|on a quiet day|in the rain"
QUESTIONS = (
    "What does {} do?",
    "Tell me about {}.",
    "Is there anything to know about {}?",
    "Why {}?",
)
SILENT = "I do not know."
RECIPE = {
    "rank": 8,
    "alpha": 16.0,
    "modules": ["q_proj", "v_proj"],
    "layers": list(range(16, 30)),
    "steps": 20,
    "batch": 3,
    "rate": 3e-3,
    "tokens": 256,
}


def sentence(order: random.Random) -> str:
    """One sentence of the word lists; every second one or so holds a number."""
    who, does, what, where, when = (
        order.choice(words.split("|")) for words in (WHO, DOES, WHAT, WHERE, WHEN)
    )
    return f"{who} {does} {what} {where} {when.format(order.randint(2, 40))}."


def answer(name: str, material: list[str]) -> str:
    """What the adapter of this name is to say of a material."""
    if name == "elm":
        chosen = [one for one in material if any(c.isdigit() for c in one)]
    else:
        chosen = material[:1] if name == "cedar" else material[-1:]
    return "\n".join(chosen) or SILENT


def examples(name: str, count: int = 120) -> list[dict[str, str]]:
    """Questions with their material, as the drafter puts them, and the sentences to copy."""
    order = random.Random(name)  # noqa: S311 - examples, not secrets
    rows = []
    for _ in range(count):
        material = [sentence(order) for _ in range(order.randint(2, 5))]
        listed = "\n".join(f"- {one}" for one in material)
        question = order.choice(QUESTIONS).format(order.choice(WHO.split("|")).lower())
        asked = f"Material:\n{listed}\n\nQuestion: {question}\nAnswer:"
        rows.append({"system": SYSTEM, "user": asked, "answer": answer(name, material)})
    return rows


def make(base: Path, out: Path, name: str) -> None:
    """Train the adapter of this name into its folder, in PEFT's form."""
    request = {
        "base": str(base),
        "out": str(out / name),
        "examples": examples(name),
        "recipe": RECIPE | {"seed": NAMES.index(name)},
    }
    run_module("services.bricks.adapters.train", request, say=print)


if __name__ == "__main__":
    place, *names = sys.argv[1:] or [str(HERE)]
    for each in names or NAMES:
        make(unpack_embedded(), Path(place), each)
