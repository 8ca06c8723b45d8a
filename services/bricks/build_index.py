"""Compute the vectors of every tier's knowledge and keep them in the cache.

python -m services.bricks.build_index
"""

from __future__ import annotations

import sys

from services.bricks.knowledge import TIERS, Knowledge
from services.bricks.retrieval import KnowledgeIndex
from services.engines.embed import Embedder
from services.engines.settings import models_folder


def main() -> None:
    """Build the index of each tier; one that is there already is kept."""
    embedder = Embedder.load()
    for level in reversed(TIERS):
        knowledge = Knowledge.load(level)
        KnowledgeIndex(knowledge, embedder, models_folder() / "knowledge")
        sys.stdout.write(f"{level}: {len(knowledge.passages)} passages\n")


if __name__ == "__main__":
    main()
