"""One detector, alone in this process, over the texts of standard input (a JSON array).

Run by its path, not as a module: Presidio makes every recogniser class that it can see, so stock
Presidio must not see ours.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any


def caretier() -> Callable[[str], Any]:
    """Ours: find, mask, check again."""
    from compliance.deidentify import Deidentifier

    return Deidentifier.load().deidentify


def presidio() -> Callable[[str], Any]:
    """Presidio as it comes, on a blank spaCy pipeline: find only."""
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        def load(self) -> None:
            self.nlp = {"en": spacy.blank("en")}  # type: ignore[assignment]  # None there

    nlp = Blank(
        models=[{"lang_code": "en", "model_name": "blank"}],
        ner_model_configuration=NerModelConfiguration(
            model_to_presidio_entity_mapping={"PERSON": "PERSON"}
        ),
    )
    engine = AnalyzerEngine(nlp_engine=nlp, supported_languages=["en"])
    return lambda text: engine.analyze(text=text, language="en")


def main() -> None:
    """Print the figures as JSON: seconds to build, characters a second, peak MiB, refusals."""
    texts = json.load(sys.stdin)
    started = time.perf_counter()
    run = {"caretier": caretier, "presidio": presidio}[sys.argv[1]]()
    run(texts[0])
    built, refused = time.perf_counter() - started, 0
    started = time.process_time()
    for text in texts:
        try:
            run(text)
        except Exception as error:  # noqa: BLE001 - counted by its kind, whose class is not ours here
            refused += getattr(error, "kind", None) == "deidentification-failed"
    spent = time.process_time() - started
    found = {
        "build_s": round(built, 2),
        "chars_per_s": round(sum(map(len, texts)) / spent),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "texts": len(texts),
        "refused": refused,
        "torch": int("torch" in sys.modules),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
