"""What a question asks for: its kind, hence the sections that may answer it.

A verbatim, cited sentence about the right disease but the wrong matter is still a wrong answer, so a
passage is used only when its section is among those of the question's kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.bricks.words import fold

OVERVIEW = ("what", "symptoms", "causes")


@dataclass(frozen=True)
class Ask:
    """One kind of question: the sections that answer it, best first, and its wording.

    ``personal`` marks a decision about one's own treatment, which a clinician must take.
    """

    kind: str
    sections: tuple[str, ...]
    pattern: re.Pattern[str]
    personal: bool = False


def _ask(kind: str, sections: str, pattern: str, *, personal: bool = False) -> Ask:
    return Ask(kind, tuple(sections.split()), re.compile(pattern), personal)


# Order matters: the first kind whose wording matches decides. Patterns run over folded text
# (lower case, no accents); English and Spanish stand side by side.
ASKS: tuple[Ask, ...] = (
    _ask(
        "own-treatment",
        "",
        r"\b(should|can|could|may|is it (ok|okay|safe|fine|alright)( for me)?( if i)? to) (i )?"
        r"(just )?(stop|quit|skip|halve|half|double|increase|decrease|lower|raise|change|switch|"
        r"cut|reduce|adjust|come off|go off|wean)( back| down| up| out)?\b.{0,40}\b(my|mi|the|taking|"
        r"dose|medicine|medication|med|meds|pill|pills|tablet|tablets|insulin)\b"
        r"|\b(puedo|debo|deberia) (dejar|parar|suspender|cambiar|aumentar|bajar|reducir|doblar)\b",
        personal=True,
    ),
    _ask(
        "own-diagnosis",
        "",
        r"\bdo i have\b|\bcould (i|this|it|these) (have|be)\b|\bis (this|it|my \w+) (a )?(cancer|serious)\b"
        r"|\bwhat('s| is) wrong with me\b|\bdiagnose me\b|\btengo yo\b",
        personal=True,
    ),
    _ask("missed-dose", "missed-dose", r"\b(miss|missed|forgot|forget|skipped)\b.{0,40}\b(dose|pill|tablet|take|taking|medicine|shot)\b|\bolvid\w+ (una|la|mi|tomar)"),
    _ask("overdose", "overdose", r"\boverdos\w*|\btoo (much|many)\b|\bsobredosis\b"),
    _ask("stopping", "stopping", r"\b(stop|stopping|quit|quitting|come off|withdrawal|wean)\b.{0,30}\b(taking|medicine|drug|pill|it)\b|\bstopping\b|\bdejar de tomar\b"),
    _ask("interactions", "interactions alcohol", r"\binteract\w*|\b(take|taking|taken|mix|mixing|combine|use|safe) .{0,40}\b(with|together|and)\b|\bjuntos?\b|\bmezclar\b"),
    _ask("alcohol", "alcohol interactions", r"\balcohol\b|\bdrink(ing)? (wine|beer|on)\b|\bbeer\b|\bwine\b"),
    _ask("side-effects", "side-effects serious-side-effects", r"\bside[- ]?effects?\b|\badverse\b|\bdoes .{2,40} (cause|make you|make me)\b|\befectos (secundarios|adversos)\b"),
    _ask("dose", "dose how-to-take", r"\b(how much|how many|what dose|dosage|maximum|max|dose)\b|\bdosis\b|\bcuanto (puedo )?tomar\b"),
    _ask("how-to-take", "how-to-take dose storage missed-dose", r"\bhow (do|should|to|can) .{0,20}\b(take|use|inject|inhale|store)\b|\bwith (food|milk|meals)\b|\bempty stomach\b|\bcomo (se )?(tomo|tomar|toma|usar|usa)\b|\bbest time\b"),
    _ask("pregnancy", "pregnancy who-should-not", r"\bpregnan\w*|\bbreast ?feed\w*|\bnursing\b|\bembaraz\w*|\blactancia\b"),
    _ask("contagious", "contagious prevention causes", r"\bcontagious\b|\bcatch(ing)?\b|\binfectious\b|\bspread\w*|\bpass(ed)? (it )?on\b|\bcontagi\w*"),
    _ask("when-to-seek-care", "when-to-seek-care", r"\bwhen (should|do|to|must) .{0,30}\b(see|call|go|seek|worry|visit|get help|be concerned)\b|\b(see|call) (a|the|my) (doctor|nurse|911)\b|\bemergency\b|\bred flags?\b|\bwarning signs?\b|\bcuando (debo|hay que) (ir|llamar)\b|\bserious\b"),
    _ask("prevention", "prevention tips self-care risk", r"\bprevent\w*|\bavoid\w*|\bprotect\w*|\blower (my|the|your) risk\b|\breduce (my|the|your) risk\b|\bprevenir\b|\bevitar\b|\bkeep (from|it from)\b"),
    _ask("symptoms", "symptoms what", r"\bsymptoms?\b|\bsigns?\b|\bhow (do|would|can) (i|you|we) (know|tell)\b|\bfeel like\b|\blook like\b|\bsintomas?\b|\bsenales\b"),
    _ask("causes", "causes risk what", r"\bcaus\w*|\bwhy (do|does|did|am|is|are)\b|\bhow (do|does) (you|people|someone|one) get\b|\bwhere does\b|\bpor que\b|\brisk factors?\b|\bwho gets\b|\bat risk\b|\bhereditary\b|\bgenetic\b|\bcome from\b|\btriggers?\b"),
    _ask("tests", "tests procedure why what preparation", r"\bdiagnos\w*|\btest(s|ed|ing)?\b|\bscreen\w*|\bcheck(ed)? for\b|\bdiagnostica\w*|\bpruebas?\b|\bexam\b"),
    _ask("diet", "diet self-care tips prevention", r"\b(diet|eat|eating|food|foods|avoid eating|drink)\b|\bdieta\b|\bcomer\b|\balimentos\b"),
    _ask("treatment", "treatment self-care what-to-do how-to-take", r"\btreat\w*|\bcure[ds]?\b|\bmanag\w*|\bget rid of\b|\bhelp(s)? (with|for)\b|\brel[ie]{2}\w*|\bwhat (can|should|do) (i|you|we) (do|take|use|give)\b|\bmedicines?\b|\bmedications?\b|\bremed(y|ies)\b|\btratamiento\b|\btratar\b|\bcurar\b|\bque (hago|puedo hacer|debo hacer)\b|\bsooth\w*|\bcalm\w*|\bhow (do|can|should) (i|you|we)\b"),
    _ask("preparation", "preparation procedure", r"\bprepar\w*|\bfast(ing)? (before|for)\b|\bbefore (the|a|my) (test|scan|procedure|exam)\b"),
    _ask("high", "high results", r"\b(high|elevated|raised|too high|increased)\b|\balt[oa]\b"),
    _ask("low", "low results", r"\b(low|decreased|reduced|too low)\b|\bbaj[oa]\b"),
    _ask("normal", "normal results", r"\b(normal|range|healthy (level|number)|target|goal)\b"),
    _ask("results", "results normal high low", r"\bresults?\b|\bnumbers?\b|\blevels?\b|\bresultados?\b"),
    _ask("outlook", "outlook complications", r"\bhow long\b|\boutlook\b|\bprognosis\b|\bgo away\b|\blife expectancy\b|\blast(s)?\b|\bcomplications?\b|\bdangerous\b|\bcuanto dura\b|\bhappens if\b"),
    _ask("uses", "uses what", r"\bused (for|to)\b|\bwhat is .{2,40} for\b|\bpara que sirve\b|\bdo for\b|\bhow does .{2,40} work\b"),
    _ask("when", "when who how what", r"\bhow often\b|\bwhen (is|are|do|does|should)\b|\bwhat age\b|\bwho should\b|\bcada cuanto\b|\bdo i need\b"),
    _ask("how", "what-to-do how tips procedure", r"\bhow (do|to|can|should|does)\b|\bcomo\b|\bsteps\b|\btips\b|\badvice\b"),
)

GENERAL = _ask(
    "overview",
    "what symptoms uses what-to-do why who causes treatment",
    r"\bwhat('s| is| are|s)\b|\btell me\b|\bexplain\b|\bque (es|son)\b|\babout\b|\bmeans?\b|\binformation\b",
)


def asks_of(text: str) -> Ask:
    """The kind of a question; a question whose wording shows none asks for an overview."""
    plain = fold(text)
    return next((ask for ask in ASKS if ask.pattern.search(plain)), GENERAL)
