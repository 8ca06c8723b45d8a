"""The worklist's page carries the words that its modules say, and no others."""

from __future__ import annotations

import re

from services.hospital.portal.inbox import WORDS
from services.hospital.portal.views import LOCALE, STATIC
from services.web.i18n import COMMON, Catalogue

MODULES = sorted([STATIC / "inbox.js", *STATIC.glob("worklist_*.js")])
ASKED = re.compile(r't\([`"]((?:inbox|worklist)\.[\w.]*)')
CHOSEN = re.compile(r'"(inbox\.\w+)"')


def test_every_word_of_the_worklists_modules_is_in_its_page():
    words = Catalogue.load(COMMON, LOCALE).as_json("en", *WORDS)
    source = "".join(path.read_text("utf-8") for path in MODULES)
    asked = {key.rstrip(".") for key in (*ASKED.findall(source), *CHOSEN.findall(source))}
    assert len(asked) > 12
    assert [key for key in sorted(asked) if f'"{key}' not in words] == []


def test_no_word_is_carried_that_no_module_says():
    source = "".join(path.read_text("utf-8") for path in MODULES)
    assert [one for one in WORDS if f"{one}" not in source] == []
