"""People and towns of a record whose names are ordinary words: masked, and at what price."""

from __future__ import annotations

import re

import pytest

from compliance.deidentify import Deidentifier, KnownIdentifiers
from compliance.deidentify.known_match import find_known

RECORD = KnownIdentifiers.from_record(
    [
        {
            "resourceType": "Patient",
            "name": [{"given": ["Grace", "Hope"], "family": "White"}],
            "address": [{"city": "Reading"}],
            "contact": [
                {"name": {"given": ["Will"], "family": "Brown"}},
                {"name": {"given": ["May"], "family": "Young"}, "address": {"city": "Bath"}},
                {"name": {"given": ["Rose"], "family": "Long"}},
                {"name": {"given": ["An"], "family": "So"}},
            ],
        }
    ]
)
NAMES = frozenset("grace hope white reading will brown may young bath rose long an so".split())
LITTLE = frozenset("will may long an so".split())

TELLING = (
    "grace fell again",
    "signed, white",
    "i live near reading",
    "will drove me",
    "we live in bath now",
    "hope is my daughter and young brown is her dog",
    "asked will to come",
    "i told may about it",
    "thanks, an",
    "talked to so about the rash",
    "an was there when it happened",
    "an is my carer",
    "may gave me the tablets and long helped",
    "dr. long saw me",
    "Dr. May wants a scan",
    "my neighbour, will, found me",
    "will's number is in the chart",
    "please call rose",
    "will brown, may young, rose long and an so know",
    "I met Will at the clinic",
    "yesterday Long was here",
    "will and may were in the room",
    "love, may",
    "long, rose",
    "so said it hurts",
    "is will here?",
    "may drove, will paid",
    "who is will?",
)

ORDINARY = """
Will I need surgery for this?
I will take the tablets with food and I will call if the fever comes back.
The swelling will go down in a few days and the bruise will fade.
Will it hurt when they remove the stitches?
It will not affect the other medicines you take.
This may cause drowsiness, so do not drive.
You may eat and drink as usual, and you may shower after two days.
May I take ibuprofen with this?
The rash may be a reaction to an antibiotic.
She had an MRI in May 2021 and an ultrasound in June.
How long will it last and how long should I wait?
I have long covid and a long history of migraine.
He works long hours and takes a long walk each day.
It has been so painful that I could not sleep, so I took an extra dose.
I think so, but I am not so sure.
She was so tired, and so was her husband.
An hour later he felt better; an x-ray showed nothing.
The doctor ordered an ECG and an urgent scan of an old injury.
Long term use may raise the blood pressure.
They may want to repeat the test in an hour or so.
The pain will probably get worse before it gets better.
He will be seen in clinic and will have blood drawn.
What will happen if I stop the inhaler?
The nurse will show you how to inject and you will soon manage alone.
A living will was discussed and is in the chart.
Her white cell count was normal and her stool was brown.
There is white discharge and a brown mole on the back.
I hope this helps and I hope to hear from you.
A young woman with chest pain and a young child with fever.
He uses reading glasses and takes a warm bath at night.
Her temperature rose to 38.5 and her heart rate rose as well.
Blood sugar rose after breakfast.
The wound is clean, dry and intact.
Take one tablet twice daily with a full glass of water.
My mother had breast cancer and my father had a stroke.
Cough for three days with yellow phlegm, no blood.
I feel dizzy when I stand up quickly.
No chest pain, no shortness of breath, no swelling of the legs.
Please continue lisinopril 10 mg and recheck the potassium.
The knee is swollen and it hurts to climb stairs.
Is it safe to drink alcohol with metformin?
Allergic to penicillin, which gave her hives.
Kidney function is stable and the urine is clear.
I cannot sleep because of the itching.
The baby feeds well and has six wet nappies a day.
Physical therapy twice a week has helped the shoulder.
He denies fever, chills, nausea and vomiting.
My periods are heavy and last more than a week.
Vision is blurred in the left eye since yesterday.
Can I get the flu vaccine while I have a cold?
""".strip().splitlines()


def _removed(text: str) -> list[str]:
    """Words of ``text`` that known identifiers alone would mask."""
    hits = find_known(RECORD.index, text)
    return [
        m[0].lower()
        for m in re.finditer(r"\w+", text)
        if any(hit.start < m.end() and m.start() < hit.end for hit in hits)
    ]


@pytest.mark.parametrize("text", TELLING)
def test_a_name_that_is_an_ordinary_word_is_masked_in_any_case(
    detector: Deidentifier, text: str
) -> None:
    for written in (text, text.upper()):
        left = detector.deidentify(written, known=RECORD).text.lower()
        assert not NAMES & set(re.findall(r"\w+", re.sub(r"\[[^\]]*\]", "", left))), left


def test_little_words_stay_where_grammar_shows_that_they_are_themselves() -> None:
    used = [w.lower() for line in ORDINARY for w in re.findall(r"\w+", line)]
    removed = [word for line in ORDINARY for word in _removed(line) if word in LITTLE]
    assert sum(word in LITTLE for word in used) >= 45
    assert removed == []


def test_the_price_of_masking_every_other_name_word_is_stated() -> None:
    """On sentences chosen for these names: only the names themselves go, one word in thirty."""
    words = sum(len(re.findall(r"\w+", line)) for line in ORDINARY)
    removed = [word for line in ORDINARY for word in _removed(line)]
    assert set(removed) <= NAMES
    assert 0.02 <= len(removed) / words <= 0.04


def test_ordinary_text_is_still_sent_with_such_a_record(detector: Deidentifier) -> None:
    for line in ORDINARY:
        detector.deidentify(line, known=RECORD)
        detector.deidentify(line.lower(), known=RECORD)
