"""What judges a release is asked nowhere in training: no suite shares a question with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

import services.learning.suites
import services.learning.train

SUITES = Path(services.learning.suites.__file__).parent
TRAINED = Path(services.learning.train.__file__).parent / "protected.yaml"


def plain(question: str) -> str:
    return re.sub(r"[\W_]+", " ", question.casefold()).strip()


def asked(node: Any) -> Iterator[str]:
    """Every question of a file, whatever it is called there."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in {"ask", "question", "prompt"} and isinstance(value, str):
                yield plain(value)
            else:
                yield from asked(value)
    elif isinstance(node, list):
        for value in node:
            yield from asked(value)


def questions(path: Path) -> set[str]:
    return set(asked(yaml.safe_load(path.read_text("utf-8"))))


def test_no_suite_asks_what_is_trained_on():
    trained = questions(TRAINED)
    assert trained
    for path in SUITES.glob("*.yaml"):
        assert not questions(path) & trained, path.name


def test_no_two_suites_ask_the_same():
    for one, other in combinations(sorted(SUITES.glob("*.yaml")), 2):
        assert not questions(one) & questions(other), (one.name, other.name)
