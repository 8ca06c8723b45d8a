"""Text: what shows, what can be quoted, and to which section and kind it belongs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.bricks.ingest.clean import one_line, tidy, visible
from services.bricks.ingest.kinds import kind_of
from services.bricks.ingest.sections import SECTIONS, section_of
from services.bricks.ingest.sentences import sentences_of
from services.bricks.knowledge import Knowledge

HIDDEN = {
    "zero-width space": "rest\u200bful",
    "zero-width joiner": "rest\u200dful",
    "byte order mark": "rest\ufeffful",
    "right-to-left override": "rest\u202eful",
    "isolates": "rest\u2066\u2069ful",
    "soft hyphen": "rest\u00adful",
    "tag letters": "rest\U000e0041\U000e007fful",
    "variation selectors that carry bytes": "rest\ufe01\U000e0100ful",
    "private use": "rest\ue000ful",
    "hangul filler": "rest\u3164ful",
    "combining joiner": "rest\u034fful",
    "a null": "rest\x00ful",
    "escape": "rest\x1bful",
    "half a pair": "rest\ud800ful",
}


@pytest.mark.parametrize("case", HIDDEN)
def test_characters_that_do_not_show_are_taken_out(case):
    assert visible(HIDDEN[case]) == "restful"


@pytest.mark.parametrize(
    "text",
    ["10² mL", "½ tablet", "37 °C", "Müller", "niño", "≥ 5 µg", "don’t", "“quoted”", "a – b"],
)
def test_characters_that_show_stay_as_they_are(text):
    assert visible(text) == text


def test_an_accent_that_is_put_apart_is_joined_to_its_letter():
    assert visible("nin\u0303o") == "niño"


def test_lines_stay_and_empty_ones_go():
    assert tidy("a \t b\r\n\r\n  c\u00a0d \n") == "a b\nc d"
    assert one_line(" a\n b ") == "a b"
    assert tidy("a\fb\vc\u2028d") == "a\nb\nc\nd"


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text):
    assert visible(visible(text)) == visible(text)
    assert tidy(tidy(text)) == tidy(text)


class TestSentences:
    def test_paragraphs_become_their_sentences(self):
        text = "Flu is common. See Dr. Smith.\nIt spreads."
        assert sentences_of(text) == ["Flu is common.", "See Dr. Smith.", "It spreads."]

    def test_items_that_are_half_a_statement_are_joined_to_their_lead(self):
        text = "Call 911 if you have:\n- chest pain\n- trouble breathing;\n- blue lips."
        said = ["Call 911 if you have: chest pain; trouble breathing; blue lips."]
        assert sentences_of(text) == said

    def test_the_sentences_before_a_lead_stand_by_themselves(self):
        text = "Asthma varies. It can cause\n- cough\n- wheezing"
        assert sentences_of(text) == ["Asthma varies.", "It can cause: cough; wheezing."]

    def test_items_right_under_a_heading_are_joined_to_it(self):
        assert sentences_of("- fever\n- cough", "Symptoms") == ["Symptoms: fever; cough."]

    def test_items_that_are_statements_stand_by_themselves(self):
        text = "- Drink water all day long.\n- Rest in bed for some days."
        whole = ["Drink water all day long.", "Rest in bed for some days."]
        assert sentences_of(text, "Tips") == whole

    def test_statements_under_a_condition_keep_it(self):
        text = "If you are pregnant:\n- Take the tablet with food.\n- See the midwife every month."
        assert all(s.startswith("If you are pregnant: ") for s in sentences_of(text))

    @pytest.mark.parametrize(
        "heading", ["Do not", "What to avoid", "Who should NOT take it?", "Myths", "Nunca"]
    )
    @pytest.mark.parametrize("text", ["Give aspirin to a child.", "- Give aspirin to a child."])
    def test_what_a_heading_forbids_is_never_quoted_without_it(self, heading, text):
        said = sentences_of(text, heading)
        assert said
        assert all(s.startswith(heading.rstrip("?")) for s in said)

    def test_a_caption_in_the_text_forbids_what_follows_until_the_next(self):
        text = "What not to do\nPut butter on the burn.\nWhat to do\nCool it with water."
        said = ["What not to do: Put butter on the burn.", "Cool it with water."]
        assert sentences_of(text) == said

    def test_a_question_in_the_text_forbids_like_a_caption(self):
        text = "Who should not take it?\nPeople with liver disease."
        assert sentences_of(text) == ["Who should not take it: People with liver disease."]

    def test_a_long_list_says_its_lead_again(self):
        text = "It can cause:\n" + "\n".join(f"- sign number {i} of many" for i in range(40))
        said = sentences_of(text)
        assert len(said) > 1
        assert all(s.startswith("It can cause: ") and len(s.split()) <= 65 for s in said)

    def test_bullets_within_a_line_are_items(self):
        text = "Symptoms include:    -  Fever    -  Chills    -  Pain"
        assert sentences_of(text) == ["Symptoms include: Fever; Chills; Pain."]

    def test_what_follows_the_last_item_is_no_part_of_the_list(self):
        text = "Signs are:  - Fever  - Chills. The doctor takes a sample."
        assert sentences_of(text) == ["Signs are: Fever; Chills.", "The doctor takes a sample."]

    def test_a_question_is_no_statement(self):
        assert sentences_of("What is flu? Flu is an infection.") == ["Flu is an infection."]

    def test_a_bare_no_keeps_its_question(self):
        text = "Is it safe with alcohol? No, it is not."
        assert sentences_of(text) == ["Is it safe with alcohol? No, it is not."]

    @pytest.mark.parametrize("text", ["", "Related topics", "More\nLinks", "See the following:"])
    def test_captions_alone_give_nothing(self, text):
        assert sentences_of(text) == []

    def test_a_line_without_end_is_left_out(self):
        assert sentences_of("word " * 200 + ".") == []

    def test_a_sentence_is_kept_once(self):
        assert sentences_of("Rest well. Rest well.") == ["Rest well."]

    @given(st.text(max_size=200), st.text(max_size=20))
    def test_no_text_breaks_it(self, text, heading):
        assert all(s.strip() for s in sentences_of(text, heading))


SECTION_OF = {
    "symptoms": ["Symptoms", "What are the symptoms of flu?", "Signs", "Síntomas"],
    "what": ["What is asthma?", "Overview", "information", "About asthma", "¿Qué es el asma?"],
    "causes": ["What causes gout", "Triggers", "Causas", "genetic changes"],
    "tests": ["Diagnosis", "exams and tests", "How is it diagnosed?", "Screening"],
    "treatment": ["Treatments", "Medications", "Therapy", "Tratamiento"],
    "prevention": ["How to prevent flu?", "Prevention"],
    "side-effects": ["Side effects", "ADVERSE REACTIONS", "Efectos secundarios"],
    "serious-side-effects": ["Warnings and precautions", "Boxed warning", "Serious side effects"],
    "who-should-not": ["Contraindications", "Who should not take this?", "Do not take it if"],
    "dose": ["Dosage and administration", "Dose", "Dosis"],
    "missed-dose": ["If you miss a dose", "Missed dose"],
    "overdose": ["Overdosage", "Overdose"],
    "uses": ["Indications and usage", "Uses", "What is it used for?"],
    "pregnancy": ["Pregnancy and breastfeeding", "Embarazo"],
    "risk": ["Risk factors", "susceptibility", "Who gets gout?"],
    "outlook": ["Prognosis", "outlook", "How long does it last?"],
    "when-to-seek-care": ["When to see a doctor", "Emergency", "When should I call the doctor?"],
    "storage": ["How supplied", "Storage and handling"],
    "self-care": ["Living with asthma", "considerations", "Managing at home"],
    "more": ["Stages", "research", "frequency", "History", "Zebra", ""],
}


@pytest.mark.parametrize(("name", "heading"), [(n, h) for n, hs in SECTION_OF.items() for h in hs])
def test_a_heading_or_type_of_question_is_mapped_to_its_section(name, heading):
    assert section_of(heading) == name


@pytest.mark.parametrize("heading", ["References", "See also", "External links", "Related topics"])
def test_what_is_no_knowledge_is_left_out(heading):
    assert section_of(heading) is None
    assert section_of(heading, "Symptoms") is None


def test_the_innermost_heading_that_is_understood_decides():
    assert section_of("Treatment", "Zebra") == "treatment"
    assert section_of("Treatment", "Side effects") == "side-effects"


def test_every_section_that_ships_is_known():
    shipped = {p.section for p in Knowledge.load("hospital").passages}
    assert shipped <= SECTIONS
    assert all(section_of(name) == name for name in SECTIONS)


@pytest.mark.parametrize(
    ("title", "sections", "default", "kind"),
    [
        ("Blood count test", (), "disease", "test"),
        ("Mammography", (), None, "test"),
        ("First aid for burns", (), "disease", "first-aid"),
        ("Flu vaccine", (), "disease", "prevention"),
        ("Gout", (), "disease", "disease"),
        ("Gout", ("symptoms", "treatment"), None, "disease"),
        ("Warfarin", ("uses", "side-effects", "what"), None, "medicine"),
        ("Ibuprofen tablets", (), None, "medicine"),
        ("Being a caregiver", ("more",), None, "care"),
        ("Program", (), "disease", "disease"),
    ],
)
def test_the_kind_is_told_from_title_default_and_sections(title, sections, default, kind):
    assert kind_of(title, sections, default) == kind
