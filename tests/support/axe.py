"""axe-core in a page: what stands against WCAG 2.2 AA."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[2] / ".venv/node/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@lru_cache(maxsize=1)
def _source() -> str:
    return SCRIPT.read_text("utf-8")


def violations(page: Page) -> list[str]:
    """Each violation as ``rule: element``, its first elements."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(f"() => {{ {_source()}; window.axe = window.axe || axe; }}")
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules},"
        " resultTypes: ['violations']})",
        RULES,
    )
    return [
        f"{one['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]
