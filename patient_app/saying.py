"""What leaves, in words, in the language of whoever reads it: in the preview and in the ledger.

The content is exactly what left and stays as it is; only the words around it are of a language.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from services.consult.messages import Fact
from services.exchange.messages import ReferredQuestion
from services.learning.signals import SentSignal
from services.web.i18n import Catalogue, Translator

LOCALE = Path(__file__).parent / "locale"
_KEPT_OUT = {"reply_to", "referral"}
"""Of a question: keys and numbers that say nothing to a person."""


@lru_cache(maxsize=2)
def _words(language: str) -> Translator:
    return Catalogue.load(LOCALE).translator(language)


def in_words(referred: ReferredQuestion, language: str | None = None) -> str:
    """A question that leaves; in the person's own language where none is named."""
    t = _words(language or referred.person.language)
    person = referred.person
    about = [
        t("leaving.age", age=person.age_years) if person.age_years is not None else "",
        t(f"leaving.{person.sex}") if person.sex else "",
        t("leaving.pregnant") if person.pregnant else "",
        t("leaving.country", country=person.country),
        t("leaving.language", language=person.language),
    ]
    lines = [referred.text]
    lines += [t(f"leaving.earlier_{turn.role}", text=turn.text) for turn in referred.history]
    lines += [_fact(fact, t) for fact in referred.facts]
    lines.append(t("leaving.about", list=", ".join(a for a in about if a)))
    reason = _known(t, f"leaving.reason_{referred.reason}", referred.reason)
    more = t("leaving.learning") if referred.learning else ""
    urgency = t(f"leaving.urgency_{referred.urgency}")
    lines.append(t("leaving.with", urgency=urgency, reason=reason, more=more))
    return "\n".join(lines)


def signal_in_words(sent: SentSignal, language: str) -> str:
    """What a person said of an answer, as it leaves."""
    t = _words(language)
    lines = [
        t("leaving.question", text=sent.question),
        t("leaving.answer", text=sent.answer),
        t("leaving.said", verdict=t(f"leaving.verdict_{sent.verdict}")),
        *([t("leaving.because", text=sent.note)] if sent.note else []),
        t("leaving.signal_with"),
    ]
    return "\n".join(lines)


def as_said(message: ReferredQuestion | SentSignal) -> dict[str, Any]:
    """What the ledger keeps of what left, to say it again in another language."""
    return message.model_dump(mode="json", exclude=_KEPT_OUT)


def entry_in_words(entry: Mapping[str, Any], language: str) -> str:
    """The text of an entry of the ledger; as it was written where that is all there is."""
    said = entry.get("said")
    if said is None:
        return str(entry["text"])
    if said.get("message") == "signal":
        return signal_in_words(SentSignal.model_validate(said), language)
    filled = {**said, **dict.fromkeys(_KEPT_OUT, "-")}
    return in_words(ReferredQuestion.model_validate(filled), language)


def _fact(fact: Fact, t: Translator) -> str:
    marks = [_known(t, f"leaving.kind_{fact.kind}", fact.kind), fact.date or t("leaving.no_date")]
    if fact.warning:
        marks.append(t("leaving.warning"))
    return t(
        "leaving.fact_entered" if fact.entered else "leaving.fact",
        marks=", ".join(marks),
        text=fact.text,
    )


def _known(t: Translator, key: str, otherwise: str) -> str:
    """A word of the catalogue, or what it stands for where the catalogue lacks it."""
    try:
        return t(key)
    except KeyError:
        return otherwise
