"""Kinds of questions and the typed sections that may answer them.

A reader's probabilities over kinds become a prior over sections: a section gets the probability of
each kind whose answer it may hold, best section first and the others with less.
"""

from __future__ import annotations

from collections.abc import Mapping

NOT_ASKED = frozenset({"choose", "record", "other", "chat"})
"""Kinds that no section of a leaflet answers."""
WORDS = frozenset(
    """symptom sign treat treated treating treatment cure cured cause caused causing prevent
    prevented preventing prevention avoid manage diagnose diagnosed diagnosis test tested contagious
    catch last side effect dose dosage maximum take taken taking used using use miss missed forgot
    forget
    interact interaction together mix risk outlook cope remedy relief normal range mean result
    prepare preparation overdose store stored storage serious danger dangerous safe""".split()
)
"""Stems that tell a question's kind, not its subject; a passage need not hold them."""
LATER = 0.6
"""Weight of each further section of a kind against the one before it."""
SECTIONS: Mapping[str, tuple[str, ...]] = {
    kind: tuple(sections.split())
    for kind, sections in {
        "overview": "what symptoms uses why who",
        "symptoms": "symptoms what complications",
        "causes": "causes risk what",
        "tests": "tests procedure why what",
        "treatment": "treatment self-care what-to-do uses how",
        "self-care": "self-care treatment tips what-to-do how diet",
        "prevention": "prevention tips self-care risk benefits",
        "outlook": "outlook complications treatment what symptoms risks",
        "contagious": "contagious causes prevention what self-care",
        "seek-care": "when-to-seek-care serious-side-effects symptoms complications",
        "children": "children dose who-should-not uses treatment self-care",
        "pregnancy": "pregnancy who-should-not complications",
        "uses": "uses what why",
        "dose": "dose how-to-take overdose",
        "how-to-take": "how-to-take storage dose missed-dose",
        "missed-dose": "missed-dose how-to-take",
        "stopping": "stopping how-to-take dose",
        "side-effects": "side-effects serious-side-effects risks what",
        "interactions": "interactions alcohol who-should-not how-to-take diet",
        "alcohol": "alcohol interactions",
        "who-should-not": "who-should-not kidney older-adults interactions do-not",
        "overdose": "overdose dose when-to-seek-care",
        "storage": "storage how-to-take",
        "preparation": "preparation procedure how when",
        "procedure": "procedure how what preparation risks",
        "results": "results normal high low what",
        "schedule": "when schedule who how what why",
        "diet": "diet self-care prevention interactions tips treatment",
        "how-to": "how what-to-do how-to-take tips do-not procedure",
    }.items()
}


def section_prior(kinds: Mapping[str, float]) -> dict[str, float]:
    """Probability-like weights of sections, 0 to 1, from the probabilities of kinds."""
    prior: dict[str, float] = {}
    for kind, probability in kinds.items():
        for place, section in enumerate(SECTIONS.get(kind, ())):
            prior[section] = prior.get(section, 0.0) + probability * LATER**place
    return prior


def kind_of(section: str) -> str | None:
    """The kind of question whose first answer a section is; None where it is no kind's first."""
    return next((kind for kind, sections in SECTIONS.items() if sections[0] == section), None)
