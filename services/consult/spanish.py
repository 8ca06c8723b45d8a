"""Questions in Spanish over English knowledge: recognised, and put in English word by word.

The embedded models read English. A Spanish question is turned into rough English by a glossary
(``data/spanish.txt``), the longest phrase first; a word that it lacks stays, and counts as a word
that no source knows. The answer says that its sources are English.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from services.bricks.words import fold, words
from services.consult.messages import Person

GLOSSARY = Path(__file__).parent / "data" / "spanish.txt"
_SPANISH = frozenset(
    """que cual cuales cuando cuanto cuanta como donde por para porque con de del y una uno unos
    unas el la las los al mi mis su sus tengo tiene tienen tomo tomar puedo puede debo es esta este
    estos estas esto eso muy mas pero se te le lo ya yo ella desde hasta entre siento siente hace
    hijo hija bebe embarazada medicina pastilla sirve duele quiero efectos dolor""".split()
)
"""Small Spanish words that are no English ones (so not: son, sin, no, me, a)."""
_ENGLISH = frozenset(
    """the an is are was what which when how why where who my your his her of for with without about
    can could should do does did i you he it they have had in on at to and or not this that been
    there""".split()
)
ENOUGH = 2
"""Spanish words that a text of more than `SHORT` words has at least."""
SHORT = 4
_QUESTIONS = {
    "overview": "What is {}?",
    "symptoms": "What are the symptoms of {}?",
    "causes": "What causes {}?",
    "tests": "How is {} diagnosed, with which tests?",
    "treatment": "How is {} treated?",
    "self-care": "What can I do myself at home about {}?",
    "prevention": "How can {} be prevented?",
    "outlook": "How long does {} last and what are its complications?",
    "contagious": "Is {} contagious?",
    "seek-care": "When should I see a doctor for {}?",
    "children": "What about {} in children?",
    "pregnancy": "{} during pregnancy and breastfeeding?",
    "uses": "What is {} used for?",
    "dose": "How much {} can be taken, what is the maximum dose?",
    "how-to-take": "How should {} be taken?",
    "missed-dose": "What if a dose of {} is missed?",
    "stopping": "Can one stop taking {}?",
    "side-effects": "What are the side effects of {}?",
    "interactions": "What does {} interact with?",
    "alcohol": "Can one drink alcohol with {}?",
    "who-should-not": "Who should not take {}?",
    "overdose": "What if too much {} was taken?",
    "storage": "How is {} stored?",
    "preparation": "How does one prepare for {}?",
    "procedure": "How is {} done?",
    "results": "What do the results of {} mean?",
    "schedule": "How often and at what age is {} due?",
    "diet": "What should one eat and avoid with {}?",
    "how-to": "How is {} done, step by step?",
}


def is_spanish(text: str) -> bool:
    """Whether a text is Spanish rather than English, by its small words."""
    given = words(text)
    spanish = sum(w in _SPANISH for w in given)
    marked = any(c in "¿¡ñ" for c in text.lower())
    enough = spanish >= (1 if len(given) <= SHORT or marked else ENOUGH)
    return enough and spanish > sum(w in _ENGLISH for w in given)


def speaking(person: Person, text: str) -> Person:
    """The person, to be answered in the language of what they wrote."""
    return person.model_copy(update={"language": "es"}) if is_spanish(text) else person


def in_english(text: str, *, surely: bool = False) -> str:
    """A Spanish text in rough English, word by word; any other text as it is.

    Args:
        text: that somebody wrote.
        surely: it is known to be Spanish, however short it is.
    """
    if not surely and not is_spanish(text):
        return text
    known, longest = _glossary()
    given, out, at = words(fold(text)), [], 0
    while at < len(given):
        for size in range(min(longest, len(given) - at), 0, -1):
            key = tuple(given[at : at + size])
            if key in known or size == 1:
                out.append(known.get(key, key[0]))
                at += size
                break
    return " ".join(w for w in out if w)


@cache
def _glossary() -> tuple[Mapping[tuple[str, ...], str], int]:
    """The glossary by the words of its phrases, and the length of its longest phrase."""
    lines = GLOSSARY.read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    known = {tuple(words(spanish)): english.strip() for spanish, _, english in pairs}
    return known, max(map(len, known))


def plain_question(kind: str, name: str) -> str:
    """The plain English question of a kind about something."""
    return _QUESTIONS.get(kind, _QUESTIONS["overview"]).format(name)
