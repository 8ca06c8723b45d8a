"""A question put to a chart: what it says, and what else could be asked of this record."""

from __future__ import annotations

from dataclasses import replace

from services.consult.messages import Message
from services.consult.record import words
from services.consult.record.trends import flag_of
from services.hospital.chart.questions import Asked, understand
from services.hospital.chart.replies import Reply, reply
from services.hospital.chart.view import View

MOST_SUGGESTIONS = 6


class Answered(Message):
    """A question with its reply (None: nothing was asked), and what else could be asked.

    ``about`` is what the question was taken to be about where it does not say so itself: a phrase
    of the question before it, or one with a slip mended. ``subject`` is the question that the next
    one may go on from.
    """

    question: str = ""
    reply: Reply | None = None
    about: str = ""
    subject: str = ""
    suggestions: tuple[str, ...] = ()


def answered(view: View, question: str, before: str = "") -> Answered:
    """Answer a question from a chart; `before` is the question before it."""
    names = _names(view)
    suggestions = tuple(_suggestions(view))
    if not question.strip():
        return Answered(suggestions=suggestions)
    allergens = _allergens(view)
    asked = understand(question, names, allergens)
    earlier = understand(before, names, allergens) if before else None
    about, went_on = "", False
    if asked.subject is None and not asked.unknown and earlier and earlier.understood:
        asked, went_on = _going_on(asked, earlier), True
        about = ", ".join(dict.fromkeys(earlier.said.values()))
    elif asked.understood and asked.slips:
        about = ", ".join(dict.fromkeys(asked.said.values()))
    return Answered(
        question=question,
        reply=reply(view, asked),
        about=about,
        subject=(before if went_on else question) if asked.understood else "",
        suggestions=suggestions,
    )


def _going_on(asked: Asked, earlier: Asked) -> Asked:
    return replace(asked, subject=earlier.subject, names=earlier.names, said=earlier.said)


def _allergens(view: View) -> frozenset[str]:
    told = (allergy.name for allergy in view.chart.allergies if not allergy.none)
    return frozenset(word for name in told for word in words.fold(name).split())


def _names(view: View) -> tuple[str, ...]:
    parts = [
        str(part)
        for name in view.record.patient.get("name", ())
        for part in (*name.get("given", ()), name.get("family", ""))
    ]
    return tuple(part for part in parts if part)


def _suggestions(view: View) -> list[str]:
    """Questions that this record answers, what is out of range first."""
    tests, known = words.data("tests")["tests"], dict[str, bool]()
    for result in view.chart.results:
        if result.test in tests:
            known.setdefault(str(result.test), flag_of(result) is not None)
    pressing = [key for key, out in known.items() if out]
    said = [
        view.say("asked.suggest.course", name=tests[key][view.language]) for key in pressing[:3]
    ]
    said += [view.say("asked.suggest.allergies"), view.say("asked.suggest.medicines")]
    said += [view.say("asked.suggest.abnormal")] if pressing else []
    names = _names(view)
    return [s for s in said if understand(s, names).understood][:MOST_SUGGESTIONS]
