"""A page as its reader prints it."""

from __future__ import annotations

import io
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page
from pypdf import PdfReader

KEPT = os.environ.get("CARETIER_SCREENSHOTS")


@dataclass(frozen=True)
class Paper:
    """The text of each printed sheet, its spaces made one."""

    sheets: tuple[str, ...]

    @property
    def text(self) -> str:
        """All sheets."""
        return "\n".join(self.sheets)


def printed(page: Page, name: str, size: str = "A4") -> Paper:
    """Print a page; the file is kept where a folder for pictures is named."""
    page.wait_for_load_state("load")
    made = page.pdf(format=size, print_background=True)
    if KEPT:
        (Path(KEPT) / f"{name}.pdf").write_bytes(made)
    sheets = PdfReader(io.BytesIO(made)).pages
    texts = (unicodedata.normalize("NFKC", one.extract_text()) for one in sheets)  # no ligatures
    return Paper(tuple(re.sub(r"\s+", " ", text) for text in texts))
