"""What a question asks for: its kind, hence the sections that may answer it.

A verbatim, cited sentence about the right disease but the wrong matter is still a wrong answer, so a
passage is used only when its section is among those of the question's kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.bricks.words import fold

OVERVIEW = ("what", "symptoms", "causes")


KIND_WORDS = frozenset(
    "avoid avoiding eat eating food foods diet treat treated treating treatment treatments cure cured"
    " cause caused causes causing symptom symptoms sign signs test tests tested testing prevent"
    " preventing prevention medicine medicines medication medications drug drugs remedy remedies side"
    " effect effects dose dosage normal range level levels result results high low contagious last"
    " lasts hurt hurts hurting pain painful ache aches sore take taking tips disease condition disorder"
    " syndrome illness infection home natural cope manage managing get rid doctor care risk factors often long age contagious"
    " infectious spread spreads catch prepare preparing miss missed forgot forget skip skipped used use"
    " uses using safe stop stopping interact interacts interaction interactions together mix mixing"
    " combine too much many how works work wonder diagnose diagnosed prepare go away goes trigger"
    " triggers sets off good bad early first get getting warning danger dangerous serious".split()
)
"""Words that tell the kind of a question, not its subject; a source need not hold them."""


@dataclass(frozen=True)
class Ask:
    """One kind of question: the sections that answer it, best first, and its wording.

    ``personal`` marks a decision about one's own treatment, which a clinician must take. A section
    that is not made for the kind (``loose``) may answer only with sentences that hold ``needs``.
    """

    kind: str
    sections: tuple[str, ...]
    pattern: re.Pattern[str]
    personal: bool = False
    loose: tuple[str, ...] = ()
    needs: re.Pattern[str] | None = None


def _ask(
    kind: str,
    sections: str,
    pattern: str,
    *,
    personal: bool = False,
    loose: str = "",
    needs: str | None = None,
) -> Ask:
    return Ask(
        kind,
        tuple(sections.split()),
        re.compile(pattern),
        personal,
        tuple(loose.split()),
        re.compile(needs) if needs else None,
    )


# Order matters: the first kind whose wording matches decides. Patterns run over folded text
# (lower case, no accents); English and Spanish stand side by side.
_CHANGE = (
    r"\b(should|can|could|may|is it (ok|okay|safe|fine|alright)( for me)?( if i)? to|do i need to) (i )?"
    r"(just )?(stop|quit|skip|halve|half|double|increase|decrease|lower|raise|change|switch|cut|reduce|"
    r"adjust|come off|go off|wean)\b"
)
OWN_TREATMENT = (
    _CHANGE + r".{0,40}\b(taking|dose|doses|medicines?|medications?|meds?|pills?|tablets?|insulin|"
    r"treatment|prescription)\b"
    r"|\b(puedo|debo|deberia) (dejar|parar|suspender|cambiar|aumentar|bajar|reducir|doblar)\b"
)
OWN_MEDICINE = re.compile(_CHANGE)
"""A change of what follows, which is one's own treatment when that is a medicine."""
OUTLOOK = r"\bhow long\b|\boutlook\b|\bprognosis\b|\bgo away\b|\blife expectancy\b|\blast(s)?\b|\bcomplications?\b|\bdangerous\b|\bcuanto dura\b|\bhappens if\b"
CONTAGIOUS = (
    r"\bcontagious\b|\bcatch(ing)?\b|\binfectious\b|\bspread\w*|\bpass(ed)? (it )?on\b|\bcontagi\w*"
)
ASKS: tuple[Ask, ...] = (
    _ask("own-treatment", "", OWN_TREATMENT, personal=True),
    _ask(
        "own-diagnosis",
        "",
        r"\bdo i have\b|\bcould (i|this|it|these) (have|be)\b|\bis (this|it|my \w+) (a )?(cancer|serious)\b"
        r"|\bwhat('s| is) wrong with me\b|\bdiagnose me\b|\btengo yo\b",
        personal=True,
    ),
    _ask(
        "missed-dose",
        "missed-dose",
        r"\b(miss|missed|forgot|forget|skipped)\b.{0,40}\b(dose|pill|tablet|take|taking|medicine|shot)\b|\bolvid\w+ (una|la|mi|tomar)",
    ),
    _ask("overdose", "overdose", r"\boverdos\w*|\btoo (much|many)\b|\bsobredosis\b"),
    _ask(
        "stopping",
        "stopping",
        r"\b(stop|stopping|quit|quitting|come off|withdrawal|wean)\b.{0,30}\b(taking|medicine|drug|pill|it)\b|\bstopping\b|\bdejar de tomar\b",
    ),
    _ask(
        "interactions",
        "interactions alcohol",
        r"\binteract\w*|\b(take|taking|taken|mix|mixing|combine|use|safe) .{0,40}\b(with|together|and)\b|\bjuntos?\b|\bmezclar\b",
    ),
    _ask(
        "alcohol",
        "alcohol interactions",
        r"\balcohol\b|\bdrink(ing)? (wine|beer|on)\b|\bbeer\b|\bwine\b",
    ),
    _ask(
        "side-effects",
        "side-effects serious-side-effects",
        r"\bside[- ]?effects?\b|\badverse\b|\bdoes .{2,40} (cause|make you|make me)\b|\befectos (secundarios|adversos)\b",
    ),
    _ask(
        "dose",
        "dose how-to-take",
        r"\b(how much|how many|what dose|dosage|maximum|max|dose)\b|\bdosis\b|\bcuanto (puedo )?tomar\b",
    ),
    _ask(
        "how-to-take",
        "how-to-take dose storage missed-dose",
        r"\bhow (do|should|to|can) .{0,20}\b(take|use|inject|inhale|store)\b|\bwith (food|milk|meals)\b|\bempty stomach\b|\bcomo (se )?(tomo|tomar|toma|usar|usa)\b|\bbest time\b",
    ),
    _ask(
        "pregnancy",
        "pregnancy who-should-not",
        r"\bpregnan\w*|\bbreast ?feed\w*|\bnursing\b|\bembaraz\w*|\blactancia\b",
    ),
    _ask(
        "contagious",
        "contagious",
        CONTAGIOUS,
        loose="causes prevention what self-care",
        needs=r"contagious|spread|infect|pass(es|ed)? from|catch",
    ),
    _ask(
        "when-to-seek-care",
        "when-to-seek-care",
        r"\bwhen (should|do|to|must) .{0,30}\b(see|call|go|seek|worry|visit|get help|be concerned)\b|\b(see|call) (a|the|my) (doctor|nurse|911)\b|\bemergency\b|\bred flags?\b|\bwarning signs?\b|\bcuando (debo|hay que) (ir|llamar)\b|\bserious\b",
    ),
    _ask(
        "outlook",
        "outlook complications",
        OUTLOOK,
        loose="what symptoms treatment self-care",
        needs=r"\b(hours?|days?|weeks?|months?|years?|long-term|lifelong|for life|goes? away|permanent)\b",
    ),
    _ask(
        "preparation",
        "preparation procedure",
        r"\bprepar\w*|\bfast(ing)? (before|for)\b|\bbefore (the|a|my) (test|scan|procedure|exam)\b",
    ),
    _ask(
        "diet",
        "diet self-care tips prevention interactions",
        r"\b(diet|eat|eating|food|foods|avoid eating|drink)\b|\bdieta\b|\bcomer\b|\balimentos\b",
    ),
    _ask(
        "prevention",
        "prevention tips self-care risk",
        r"\bprevent\w*|\bavoid\w*|\bprotect\w*|\blower (my|the|your) risk\b|\breduce (my|the|your) risk\b|\bprevenir\b|\bevitar\b|\bkeep (from|it from)\b",
    ),
    _ask(
        "symptoms",
        "symptoms what",
        r"\bsymptoms?\b|\bsigns?\b|\bhow (do|would|can) (i|you|we) (know|tell)\b|\bfeel like\b|\blook like\b|\bsintomas?\b|\bsenales\b",
    ),
    _ask(
        "causes",
        "causes risk what",
        r"\bcaus\w*|\bwhy (do|does|did|am|is|are)\b|\bhow (do|does) (you|people|someone|one) get\b|\bwhere does\b|\bpor que\b|\brisk factors?\b|\bwho gets\b|\bat risk\b|\bhereditary\b|\bgenetic\b|\bcome from\b|\btriggers?\b|\bsets? .{0,6}off\b",
    ),
    _ask(
        "tests",
        "tests procedure why what preparation",
        r"\bdiagnos\w*|\btest(s|ed|ing)?\b|\bscreen\w*|\bcheck(ed)? for\b|\bdiagnostica\w*|\bpruebas?\b|\bexam\b",
    ),
    _ask(
        "treatment",
        "treatment self-care what-to-do how-to-take",
        r"\btreat\w*|\bcure[ds]?\b|\bmanag\w*|\bgets? rid of\b|\bhelp(s)? (with|for)\b|\brel[ie]{2}\w*|\bwhat (can|should|do) (i|you|we) (do|take|use|give)\b|\bmedicines?\b|\bmedications?\b|\bremed(y|ies)\b|\btratamiento\b|\btratar\b|\bcurar\b|\bque (hago|puedo hacer|debo hacer)\b|\bsooth\w*|\bcalm\w*|\bhow (do|can|should) (i|you|we)\b",
    ),
    _ask("high", "high results", r"\b(high|elevated|raised|too high|increased)\b|\balt[oa]\b"),
    _ask("low", "low results", r"\b(low|decreased|reduced|too low)\b|\bbaj[oa]\b"),
    _ask("normal", "normal results", r"\b(normal|range|healthy (level|number)|target|goal)\b"),
    _ask(
        "results",
        "results normal high low",
        r"\bresults?\b|\bnumbers?\b|\blevels?\b|\bresultados?\b",
    ),
    _ask(
        "uses",
        "uses what",
        r"\bused (for|to)\b|\bwhat is .{2,40} for\b|\bpara que sirve\b|\bdo for\b|\bhow does .{2,40} work\b",
    ),
    _ask(
        "when",
        "when who how what",
        r"\bhow often\b|\bwhen (is|are|do|does|should)\b|\bwhat age\b|\bwho should\b|\bcada cuanto\b|\bdo i need\b",
    ),
    _ask(
        "how",
        "what-to-do how tips self-care prevention treatment procedure",
        r"\bhow (do|to|can|should|does)\b|\bcomo\b|\bsteps\b|\btips\b|\badvice\b",
    ),
)

GENERAL = _ask(
    "overview",
    "what symptoms uses what-to-do why who causes treatment",
    r"\bwhat('s| is| are|s)\b|\btell me\b|\bexplain\b|\bque (es|son)\b|\babout\b|\bmeans?\b|\binformation\b",
)


def asks_of(text: str, *, medicine: bool = False) -> Ask:
    """The kind of a question; a question whose wording shows none asks for an overview.

    Args:
        text: the question.
        medicine: whether it names a medicine; to change that is a decision about treatment.
    """
    plain = fold(text)
    if medicine and OWN_MEDICINE.search(plain):
        return ASKS[0]
    return next((ask for ask in ASKS if ask.pattern.search(plain)), GENERAL)
