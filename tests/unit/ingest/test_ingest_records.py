"""JSON Lines, FHIR, MedlinePlus and openFDA: each shape as it comes, and what is wrong with it."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import date

import pytest

from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.fhir import read_fhir
from services.bricks.ingest.formats import format_of, reader_of
from services.bricks.ingest.item import Source
from services.bricks.ingest.jsonl import MAX_LINE, jsonl_document, read_jsonl
from services.bricks.ingest.medlineplus import read_medlineplus
from services.bricks.ingest.openfda import read_openfda
from services.bricks.ingest.sections import SECTIONS

QUESTION = {
    "collection": "c",
    "document": "7",
    "url": "http://example.org/gout",
    "focus": "Gout",
    "qid": "7-1",
    "qtype": "exams and tests",
    "question": "How to diagnose Gout ?",
    "answer": "Fluid is taken from the joint.",
}


def line(**fields) -> bytes:
    return json.dumps(QUESTION | fields).encode()


class TestJsonLines:
    def test_an_answer_stands_under_the_type_of_its_question(self):
        document = jsonl_document(line())
        assert (document.title, document.url) == ("Gout", "http://example.org/gout")
        assert document.blocks[0].headings == ("exams and tests",)
        assert document.blocks[0].text == "Fluid is taken from the joint."

    def test_the_question_is_not_kept(self):
        assert "diagnose" not in repr(jsonl_document(line()))

    def test_lines_of_one_document_share_a_key(self):
        other = line(question="x", answer="Other.", qtype="symptoms")
        assert jsonl_document(line()).key == jsonl_document(other).key
        assert jsonl_document(line()).key != jsonl_document(line(focus="Flu")).key
        assert jsonl_document(line()).key != jsonl_document(line(document="8")).key

    def test_without_a_type_the_wording_of_the_question_tells(self):
        document = jsonl_document(line(qtype=None, question="What causes gout?"))
        assert document.blocks[0].headings == ("What causes gout?",)

    def test_a_passage_has_title_section_and_date(self):
        held = {"title": "Gout", "section": "diet", "text": "Drink water.", "kind": "disease"}
        raw = json.dumps({**held, "date": "2026-01-31", "aliases": ["podagra"], "publisher": "WHO"})
        document = jsonl_document(raw.encode())
        assert (document.kind, document.written) == ("disease", date(2026, 1, 31))
        assert (document.aliases, document.publisher) == (("podagra",), "WHO")
        assert document.blocks[0].headings == ("diet",)

    def test_markup_in_an_answer_is_taken_out(self):
        document = jsonl_document(line(answer="<p>Rest.<script>bad()</script></p>"))
        assert document.blocks[0].text.strip() == "Rest."

    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (b"{", "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b"\xff", "not JSON"),
            (b"[1]", "not a JSON object"),
            (line(answer=""), "neither an answer nor a text"),
            (line(answer=["x"]), "answer is not a text"),
            (line(focus=""), "nothing says what it is about"),
            (line(kind="illness"), "kind is none of"),
            (line(date="yesterday"), "the date is not like"),
            (line(aliases="gout"), "aliases is not a list"),
        ],
    )
    def test_a_line_that_cannot_be_used_says_why(self, raw, reason):
        with pytest.raises(ItemError, match=reason):
            jsonl_document(raw)

    def test_places_are_numbers_of_lines(self, tmp_path, pack):
        path = tmp_path / "a.jsonl"
        path.write_bytes(line() + b"\n\n" + line(focus="Flu"))
        assert [item.place for item in read_jsonl(Source(path), pack)] == ["a.jsonl:1", "a.jsonl:3"]

    def test_a_line_without_end_is_refused_and_the_next_is_read(self, tmp_path, pack):
        path = tmp_path / "a.jsonl"
        path.write_bytes(b"x" * (2 * MAX_LINE + 5) + b"\n" + line())
        first, second = read_jsonl(Source(path), pack)
        assert len(first.raw) <= MAX_LINE + 1
        with pytest.raises(ItemError, match="longer than"):
            first.read()
        assert second.place == "a.jsonl:2"
        assert second.read().title == "Gout"


def attachment(text: str | bytes, form: str, **more):
    raw = text.encode() if isinstance(text, str) else text
    return {"attachment": {"contentType": form, "data": base64.b64encode(raw).decode(), **more}}


def reference(*contents, **fields):
    held = {"resourceType": "DocumentReference", "id": "d1", "status": "current"}
    return {**held, "description": "Gout", "content": list(contents), **fields}


class TestFhir:
    def read(self, tmp_path, pack, held):
        path = tmp_path / "a.json"
        path.write_text(json.dumps(held))
        return [item.read() for item in read_fhir(Source(path), pack)]

    @pytest.mark.parametrize(
        ("form", "text"),
        [
            ("text/plain", "Rest helps."),
            ("text/html; charset=utf-8", "<p>Rest helps.</p><!-- x -->"),
            ("text/markdown", "Rest helps."),
            ("TEXT/HTML", "<p>Rest helps.</p>"),
        ],
    )
    def test_an_attachment_is_read_by_its_type(self, tmp_path, pack, form, text):
        (document,) = self.read(tmp_path, pack, reference(attachment(text, form)))
        assert document.title == "Gout"
        assert document.blocks[0].text.strip() == "Rest helps."

    def test_a_pdf_is_read(self, tmp_path, pack, make_pdf, make_lines):
        held = reference(attachment(make_pdf(make_lines("Rest helps.")), "application/pdf"))
        assert self.read(tmp_path, pack, held)[0].blocks[0].text == "Rest helps."

    def test_of_several_forms_the_page_is_taken(self, tmp_path, pack):
        held = reference(
            attachment(b"%PDF", "application/pdf"), attachment("<p>Rest.</p>", "text/html")
        )
        assert self.read(tmp_path, pack, held)[0].blocks[0].text == "Rest."

    def test_date_custodian_and_address_come_along(self, tmp_path, pack):
        part = attachment("Rest.", "text/plain", url="https://example.org/gout", title="On gout")
        held = reference(part, date="2026-01-31T10:00:00Z", custodian={"display": "Clinic"})
        (document,) = self.read(tmp_path, pack, held)
        assert (document.title, document.publisher) == ("On gout", "Clinic")
        assert (document.written, document.url) == (date(2026, 1, 31), "https://example.org/gout")

    def test_a_charset_is_honoured(self, tmp_path, pack):
        part = attachment("fi\xe8vre".encode("latin-1"), "text/plain; charset=iso-8859-1")
        assert self.read(tmp_path, pack, reference(part))[0].blocks[0].text == "fièvre"

    def test_a_bundle_and_ndjson_give_each_resource_and_pass_others_over(self, tmp_path, pack):
        both = [reference(attachment("Rest.", "text/plain")), {"resourceType": "Patient"}]
        bundle = {"entry": [{"resource": r} for r in both], "resourceType": "Bundle"}
        made = self.read(tmp_path, pack, bundle)
        assert [d and d.title for d in made] == ["Gout", None]
        path = tmp_path / "a.ndjson"
        path.write_text("\n".join(json.dumps(r) for r in both))
        items = list(read_fhir(Source(path), pack))
        assert [i.place for i in items] == ["a.ndjson:1", "a.ndjson:2"]
        assert [bool(i.read()) for i in items] == [True, False]

    good = attachment("Rest.", "text/plain")

    @pytest.mark.parametrize(
        ("held", "reason"),
        [
            (reference(good, subject={"reference": "Patient/1"}), "about a person"),
            (reference(good, context={"sourcePatientInfo": {"reference": "x"}}), "about a person"),
            (reference(good, status="superseded"), "status is superseded"),
            (reference(good, docStatus="preliminary"), "docStatus is preliminary"),
            (reference(), "no attachment"),
            (reference({"attachment": {"contentType": "text/html", "url": "x"}}), "no attachment"),
            (reference(attachment("x", "image/png")), "no attachment"),
            (reference({"attachment": {"contentType": "text/html", "data": "§"}}), "not base64"),
            (reference(attachment(b"\xff", "text/plain")), "not utf-8"),
            (reference(attachment("x", "text/plain; charset=none")), "not none"),
            (reference(attachment("x", "text/plain", hash="AAAA")), "damaged"),
            ({"a": 1}, "not a FHIR resource"),
        ],
    )
    def test_a_resource_that_cannot_be_used_says_why(self, tmp_path, pack, held, reason):
        with pytest.raises(ItemError, match=reason):
            self.read(tmp_path, pack, held)

    def test_a_hash_that_fits_is_accepted(self, tmp_path, pack):
        mark = base64.b64encode(hashlib.sha1(b"Rest.", usedforsecurity=False).digest()).decode()
        held = reference(attachment("Rest.", "text/plain", hash=mark))
        assert self.read(tmp_path, pack, held)


TOPICS = """<?xml version="1.0" encoding="UTF-8"?>
<health-topics date-generated="06/15/2025 02:30:33" total="3">
<health-topic id="1" title="Gout" url="https://medlineplus.gov/gout.html" language="English"
 date-created="01/02/1999"><also-called>Podagra</also-called>
<full-summary>&lt;p&gt;Gout is arthritis.&lt;/p&gt;&lt;h3&gt;What causes gout?&lt;/h3&gt;
&lt;p&gt;Uric acid.&lt;/p&gt;&lt;p hidden&gt;Bad.&lt;/p&gt;</full-summary>
<group id="3" url="x">Bones, Joints and Muscles</group></health-topic>
<health-topic id="2" title="Gota" url="https://medlineplus.gov/spanish/gout.html"
 language="Spanish"><full-summary>&lt;p&gt;La gota.&lt;/p&gt;</full-summary></health-topic>
<health-topic id="3" title="A1C" url="https://medlineplus.gov/a1c.html" language="English">
<full-summary></full-summary><group>Diagnostic Tests</group></health-topic>
</health-topics>"""


class TestMedlinePlus:
    def items(self, tmp_path, pack, text):
        path = tmp_path / "topics.xml"
        path.write_text(text)
        return read_medlineplus(Source(path), pack)

    def test_a_topic_has_names_address_date_and_sections(self, tmp_path, pack):
        gout = next(self.items(tmp_path, pack, TOPICS)).read()
        assert (gout.title, gout.aliases) == ("Gout", ("Podagra",))
        assert (gout.url, gout.written) == ("https://medlineplus.gov/gout.html", date(2025, 6, 15))
        assert [(b.headings, b.text) for b in gout.blocks] == [
            (("overview",), "Gout is arthritis."),
            (("What causes gout?",), "Uric acid."),
        ]

    def test_a_topic_in_another_language_is_passed_over(self, tmp_path, pack):
        spanish = pack.model_copy(update={"language": "es"})
        read = [i.read() for i in list(self.items(tmp_path, spanish, TOPICS))]
        assert [d and d.title for d in read] == [None, "Gota", None]

    def test_a_topic_without_summary_is_a_problem_and_tests_are_tests(self, tmp_path, pack):
        last = list(self.items(tmp_path, pack, TOPICS))[2]
        assert last.place == "topics.xml: topic 3"
        with pytest.raises(ItemError, match="no summary"):
            last.read()
        filled = TOPICS.replace("<full-summary></", "<full-summary>A test.</")
        assert list(self.items(tmp_path, pack, filled))[2].read().kind == "test"

    @pytest.mark.parametrize(
        "text",
        [
            TOPICS.replace("</health-topics>", ""),
            TOPICS.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>', 1),
            "<other></other>",
            "no xml",
        ],
    )
    def test_xml_that_is_broken_or_hostile_is_refused(self, tmp_path, pack, text):
        with pytest.raises(ItemError):
            list(self.items(tmp_path, pack, text))

    def test_what_came_before_a_break_is_kept(self, tmp_path, pack):
        items = self.items(tmp_path, pack, TOPICS[: TOPICS.index('id="3" title')] + "<")
        assert [next(items).read().title, next(items).read()] == ["Gout", None]
        with pytest.raises(ItemError, match="cannot be read further"):
            next(items)


LABEL = {
    "set_id": "0a1b2c3d-0000-1111-2222-333344445555",
    "effective_time": "20250131",
    "indications_and_usage": ["1 INDICATIONS AND USAGE Warfarin treats blood clots."],
    "warnings": ["Warfarin can cause bleeding."],
    "do_not_use": ["Do not use if you are pregnant."],
    "clinical_pharmacology": ["Warfarin acts in the liver."],
    "warnings_table": ["<table><tr><td>1</td></tr></table>"],
    "spl_product_data_elements": ["WARFARIN 5 mg tablet."],
    "openfda": {
        "generic_name": ["WARFARIN SODIUM"],
        "brand_name": ["Jantoven", "Coumadin"],
        "manufacturer_name": ["ABC Inc."],
    },
}


class TestOpenFda:
    def read(self, tmp_path, pack, *labels):
        path = tmp_path / "labels.json"
        path.write_text(json.dumps({"meta": {"results": {"total": 1}}, "results": labels}))
        return [item.read() for item in read_openfda(Source(path), pack)]

    def test_a_label_has_names_date_address_and_maker(self, tmp_path, pack):
        (label,) = self.read(tmp_path, pack, LABEL)
        assert (label.title, label.aliases) == ("Warfarin Sodium", ("Jantoven", "Coumadin"))
        assert (label.kind, label.written) == ("medicine", date(2025, 1, 31))
        assert label.publisher == "ABC Inc."
        assert label.url.endswith("setid=0a1b2c3d-0000-1111-2222-333344445555")

    def test_fields_are_sections_and_numbers_of_headings_go(self, tmp_path, pack):
        (label,) = self.read(tmp_path, pack, LABEL)
        said = {b.section: b.text.strip() for b in label.blocks}
        assert said == {
            "uses": "Warfarin treats blood clots.",
            "serious-side-effects": "Warfarin can cause bleeding.",
            "who-should-not": "Do not use if you are pregnant.",
            "more": "Warfarin acts in the liver.",
        }
        assert set(said) <= SECTIONS

    @pytest.mark.parametrize(
        ("change", "reason"),
        [({"openfda": {}}, "no name"), ({"effective_time": "20251399"}, "no date")],
    )
    def test_a_label_that_cannot_be_used_says_why(self, tmp_path, pack, change, reason):
        with pytest.raises(ItemError, match=reason):
            self.read(tmp_path, pack, LABEL | change)

    @pytest.mark.parametrize("read", [read_openfda, read_fhir], ids=["openfda", "fhir"])
    def test_a_file_of_brackets_is_refused_before_a_parser_pays_for_each(
        self, tmp_path, pack, read
    ):
        path = tmp_path / "labels.json"
        path.write_text('{"results": ' + "[" * 200_000)
        with pytest.raises(ItemError, match="nested too deeply"):
            next(read(Source(path), pack))

    def test_a_file_that_breaks_off_gives_what_came_before(self, tmp_path, pack):
        path = tmp_path / "labels.json"
        path.write_text(json.dumps({"results": [LABEL, LABEL]})[:-200])
        items = read_openfda(Source(path), pack)
        assert next(items).read().title == "Warfarin Sodium"
        with pytest.raises(ItemError, match="cannot be read further"):
            next(items)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.MD", "", "markdown"),
        ("a.htm", "", "html"),
        ("a.pdf", "", "pdf"),
        ("a.jsonl", '{"question": "x"}', "jsonl"),
        ("a.ndjson", '{"resourceType":"DocumentReference"}', "fhir"),
        ("a.json", '{"resourceType": "Bundle"}', "fhir"),
        ("a.json", '{"meta": {}, "results": []}', "openfda"),
        ("a.json", "{}", None),
        ("a.xml", "<health-topics/>", "medlineplus"),
        ("a.xml", "<other/>", None),
        ("a.txt", "text", None),
    ],
)
def test_the_format_is_told_from_name_and_beginning(tmp_path, name, text, expected):
    path = tmp_path / name
    path.write_text(text)
    assert format_of(path) == expected
    if expected is None:
        with pytest.raises(ItemError, match="not known"):
            reader_of(path)
