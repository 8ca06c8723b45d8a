"""The phrases that Caretier brings: sober, in both languages, without a word about any illness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compliance.yamltext import read_yaml
from services.hospital.phrases.words import PhraseView, Words


def _starting() -> tuple[PhraseView, ...]:
    text = (Path(__file__).parent / "data" / "starting.yaml").read_text(encoding="utf-8")
    said: dict[str, Any] = read_yaml(text)
    return tuple(
        PhraseView(
            f"starting-{name}",
            Words(one["title"]["en"], one["en"].strip(), one["es"].strip()).check(),
            1,
            "starting",
            titles=one["title"],
        )
        for name, one in said.items()
    )


STARTING = _starting()
"""In the order of the file."""
