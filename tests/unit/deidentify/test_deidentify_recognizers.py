"""One table per recogniser: what it masks (the value, in «»), and a block of what it must leave."""

from __future__ import annotations

import pytest

from compliance.deidentify import Deidentifier
from compliance.deidentify.recognizers import all_recognizers
from compliance.deidentify.recognizers.base import RuleRecognizer

FOUND = {
    "DateRecognizer": [
        "seen on «2021-03-05»",
        "at «2000-04-16 11:34:35»",
        "on «03/05/2021»",
        "on «5.3.2021»",
        "since «March 5»",
        "«March 5th, 2021»",
        "«the 3rd of May»",
        "«5 March 2021»",
        "«5 de marzo de 2021»",
        "el «3 de mayo»",
        "«Tuesday, March 5»",
        "«lunes 5 de mayo»",
        "in «March 2021»",
        "desde «enero»",
        "since «October»",
        "on «3/5»",
        "«21-May-27»",
        "«21MAY1927»",
        "«20210305»",
        "«March 5-7, 2021»",
        "«the third of May»",
        "«May twenty-first nineteen twenty-seven»",
        "«tres de mayo»",
        "«Monday the 5th»",
        "on «the 5th».",
        "DOB: «5 21 27»",
        "«2021-03»",
        "«03/2021»",
        "«Christmas Day»",
        "nació el «12/05/1980»",
        "«veintiuno de mayo de mil novecientos ochenta»",
    ],
    "AgeRecognizer": [
        "«92 years old»",
        "a «92-year-old» man",
        "«94 y/o»",
        "aged «91»",
        "age: «103»",
        "she is «95»",
        "«95 años»",
        "«ninety-two years old»",
        "in his «90s»",
        "a «nonagenarian»",
        "her «100th birthday»",
        "my mother, «93»,",
        "born in «1920»",
        "tiene «noventa y dos años»",
        "a «92F» with pain",
        "edad: «97»",
    ],
    "AddressRecognizer": [
        "at «12 Main Street»",
        "«4512 N Quill Ave Apt 4B»",
        "«633 Abernathy Landing»",
        "«PO Box 118»",
        "«PSC 0413, Box 8144\nAPO AA 42323»",
        "«Calle Veguellina, 3»",
        "«Avda. de la Constitución 12»",
        "«12 W 7th St»",
        "«FPO AP 96522»",
        "«RR 2 Box 15»",
        "«C/ Mayor 4»",
    ],
    "PostcodeRecognizer": [
        "Emporia KS «66801»",
        "zip «02139»",
        "«66801-1234»",
        "CP: «24001»",
        "zip code is «94110»",
        "«SW1A 1AA»",
    ],
    "PlaceRecognizer": [
        "I live in «Emporia»",
        "vivo en «Zamora»",
        "from «Boise, Idaho»",
        "«Springfield, IL»",
        "i live in «poughkeepsie»",
        "Localidad/ Provincia: «Madrid»",
        "the city of «Dayton»",
        "«Harris County»",
    ],
    "PhoneRecognizer": [
        "«(555) 810-7203»",
        "at «five five five one two one two»",
        "call «555.810.7203»",
        "«+34 612 345 678»",
        "tel: «810-7203»",
        "«612 34 56 78»",
        "«+1-984-182-0190»",
        "fax «555 810 7203 ext 4»",
        "phone number is «5558107203»",
    ],
    "EmailRecognizer": [
        "«ann.lee@example.org»",
        "«ann at example dot org»",
        "«ANN@EXAMPLE.ORG»",
        "«ann @ example.org»",
    ],
    "UrlRecognizer": [
        "«https://example.org/u/ann»",
        "«www.example.org»",
        "«example.com/ann»",
        "see «portal.example.org»",
    ],
    "IpRecognizer": [
        "from «192.168.4.17»",
        "«2001:0db8:85a3:0000:0000:8a2e:0370:7334»",
        "«fe80::1ff:fe23:4567:890a»",
    ],
    "SocialSecurityRecognizer": [
        "SSN «123-45-6789»",
        "«123 45 6789»",
        "social security number is «123456789»",
        "«666-12-3456»",
        "last four of my social is «6789»",
    ],
    "SpanishIdRecognizer": [
        "DNI «12345678Z»",
        "«X1234567L»",
        "«12.345.678-Z»",
        "NASS: «24 57734895 45»",
    ],
    "CertificateRecognizer": [
        "DEA «AB1234563»",
        "license number «D1234567»",
        "passport no. «X53631011»",
        "NºCol: «24 24 56102»",
        "driver's license is «2270-66-1551»",
    ],
    "MedicalRecordRecognizer": [
        "MRN: «00483921»",
        "medical record number «A-48392»",
        "NHC: «6778970»",
        "encounter #«88812»",
        "historia clínica nº «448812»",
    ],
    "AccountRecognizer": ["account number «8841-2210»", "acct #«00912»", "cuenta «99120034»"],
    "HealthPlanRecognizer": [
        "member id «XQZ884120»",
        "policy no. «P-88120-4»",
        "Medicare number «1EG4-TE5-MK73»",
        "prior authorization number «A88120»",
        "Rx #«7712345»",
        "claim #«C-441-22»",
    ],
    "VehicleRecognizer": [
        "VIN «1M8GDM9AXKP042788»",
        "license plate is «7ABC123»",
        "matrícula «1234 BCD»",
    ],
    "DeviceRecognizer": [
        "«(01)00884838012345(17)251231(10)A1B2(21)SER99»",
        "serial number «SN-448812-A»",
        "UDI «00884838012345»",
        "lot «A448812»",
    ],
    "BiometricRecognizer": [
        "fingerprint ID «FP-99812»",
        "photo id «88123»",
        "see «IMG_20210305_ann.jpg»",
        "voiceprint template «VP88123A»",
    ],
    "CodeRecognizer": [
        "ref no. «AX-88123»",
        "id: «K88123»",
        "confirmation «QX88123»",
        "number «88123456»",
        "«ABX88123» came",
    ],
    "ClinicianTitleRecognizer": [
        "saw Dr. «Brown»",
        "dr «okonkwo» said",
        "la doctora «Ruiz»",
        "«Amy Long, MD»".replace(", MD»", "», MD"),
        "my doctor is «Quispe»",
        "Attending: «Vera Quill»",
        "Médico: «Vicente Asensio»",
    ],
    "PersonTitleRecognizer": [
        "Mrs. «Long»",
        "Mr «Will May»",
        "la Sra. «de la Cruz»",
        "Don «José»",
        "mr «okonkwo»",
    ],
    "SelfNamedRecognizer": [
        "my name is «Ludmila Quill»",
        "my name is «ludmila»",
        "me llamo «Ana»",
        "I am «Thaddeus»",
        "Patient: «Okonkwo»",
        "Nombre: «Silvia»",
        "call me «Zed»",
    ],
    "LetterRecognizer": [
        "Dear «Thaddeus»,",
        "hi , «thaddeus» .",
        "Sincerely,\n«Vera Quill»",
        "Regards,\n«Thaddeus»",
        "Signed: «Vera Quill»",
    ],
    "RelativeRecognizer": [
        "my husband «Thaddeus»",
        "su hija «Ana»",
        "my wife named «xiomara»",
        "my sister, «Vera Quill»",
    ],
    "GivenNameRecognizer": ["then «Martha Quill» came", "told «andrew» so", "«Elizabeth»"],
    "OrganizationRecognizer": [
        "at «Saint Botolph Hospital»",
        "«Quill Family Clinic»",
        "works for «Exversion»",
        "«Hospital Universitario La Paz»",
        "«Exversion Inc.»",
    ],
}

LEFT = {
    "DateRecognizer": [
        "2/10 pain",
        "pain went from 3/10 to 7/10",
        "24/7",
        "BP 120/80",
        "1/2 tablet",
        "take 3/4 cup",
        "at 3:30 pm",
        "in 2019",
        "it may 2 be",
        "you may help",
        "20/20 vision",
        "5/5 strength",
        "3 days",
        "every 6 hours",
        "1.5 mg",
        "T4 0.9",
        "10-20 mg",
        "for 2-3 weeks",
        "mar 3 tablets",
        "version 1.2.10",
        "on 1/2 tablet",
        "I march 2 miles",
    ],
    "AgeRecognizer": [
        "89 years old",
        "temperature 101 F",
        "92% on room air",
        "90 mg",
        "100 mg of",
        "blood sugar of 95",
        "92 days",
        "smoked 90 pack years",
        "98.6",
        "95 beats",
        "born in 1985",
        "she is 95% better",
        "i am 100 percent",
    ],
    "AddressRecognizer": [
        "2 weeks down the road",
        "walk 5 miles",
        "I take 2 pills on the way",
        "vía oral",
        "20 minutes from the street",
        "10 mg by way of mouth",
    ],
    "PostcodeRecognizer": ["10000 steps", "platelets 250000", "50000 IU"],
    "PlaceRecognizer": [
        "I live in pain",
        "I live in the United States",
        "pain in my back",
        "vivo en casa",
        "vitamin D",
    ],
    "PhoneRecognizer": [
        "BP 120/80, pulse 72",
        "one or two or three",
        "500-1000 mg",
        "2021-03-05",
        "take 100-200 mg",
        "platelets 250000",
    ],
    "EmailRecognizer": ["meet at noon", "5 @ night", "look at the dot"],
    "UrlRecognizer": ["pain.it hurts", "e.g. this", "500mg.then stop"],
    "IpRecognizer": ["version 1.2.3", "3:30", "10.5.2"],
    "SocialSecurityRecognizer": ["120-80", "10-20-30", "555-810-7203"],
    "SpanishIdRecognizer": ["12345678A", "10 mg", "500 UI"],
    "CertificateRecognizer": ["V2", "AB1234567", "license to drive", "vitamin B12"],
    "MedicalRecordRecognizer": ["my chart", "medical record", "encounter 2", "historia de asma"],
    "AccountRecognizer": ["on account of pain", "I account for 10"],
    "HealthPlanRecognizer": [
        "the plan is to rest",
        "insurance",
        "group of 10 people",
        "member of 4",
    ],
    "VehicleRecognizer": ["1M8GDM9AXKP042789", "my car", "platelets 250"],
    "DeviceRecognizer": ["serial 12 lead", "a lot of 20 pills", "implant"],
    "BiometricRecognizer": ["fingerprint", "photo of rash", "iris"],
    "CodeRecognizer": [
        "vitamin B12",
        "COVID-19",
        "HbA1c 7.2",
        "500mg",
        "T2DM",
        "H1N1",
        "1,200,000 units",
        "1000000 units",
        "omega-3",
        "IL-6",
        "id est",
        "no. 5",
    ],
    "ClinicianTitleRecognizer": [
        "my doctor said so",
        "the doctor is in",
        "ask a nurse",
        "doctor visits",
        "Medical Exam",
    ],
    "PersonTitleRecognizer": [
        "vitamin D Deficiency",
        "miss a dose",
        "I don't know",
        "miss two doses",
        "sir, please",
    ],
    "SelfNamedRecognizer": [
        "I am Allergic",
        "I am tired",
        "called Crohn's disease",
        "I'm Hispanic",
        "this is Normal",
        "my name is on the list",
        "I am on Lexapro",
    ],
    "LetterRecognizer": ["hi there,", "hey doctor,", "dear doctor", "high fever"],
    "RelativeRecognizer": [
        "my husband has fever",
        "my mother had cancer",
        "su hija tiene fiebre",
        "my brother is sick",
    ],
    "GivenNameRecognizer": [
        "Parkinson's disease",
        "Lou Gehrig's disease",
        "St. John's wort",
        "will it hurt",
        "I may go",
        "grace period",
        "Yasmin pill",
    ],
    "OrganizationRecognizer": [
        "the hospital",
        "a General Hospital",
        "my clinic",
        "Hospital discharge",
    ],
}

RECOGNIZERS: dict[str, RuleRecognizer] = {r.name: r for r in all_recognizers("en")}


def _cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in table.items() for text in texts]


def test_every_recognizer_has_a_table_and_a_no_match_block() -> None:
    assert set(FOUND) == set(LEFT) == set(RECOGNIZERS)


@pytest.mark.parametrize(("name", "marked"), _cases(FOUND))
def test_finds(name: str, marked: str) -> None:
    start, end = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    spans = [(r.start, r.end) for r in RECOGNIZERS[name].analyze(text, [])]
    assert any(s <= start and end <= e for s, e in spans), (text, [text[s:e] for s, e in spans])


@pytest.mark.parametrize(("name", "text"), _cases(LEFT))
def test_leaves(name: str, text: str) -> None:
    assert [text[r.start : r.end] for r in RECOGNIZERS[name].analyze(text, [])] == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("card 4111 1111 1111 1111", "4111 1111 1111 1111"),
        ("iban GB33BUKB20201555555555", "GB33BUKB20201555555555"),
        ("NPI 1234567893", "1234567893"),
        ("Medicare 1EG4-TE5-MK73", "1EG4-TE5-MK73"),
        ("member id ABC123456789", "ABC123456789"),
        ("passport 140190331", "140190331"),
        ("ITIN 912-70-1234", "912-70-1234"),
        ("mac 00:1B:44:11:3A:B7", "00:1B:44:11:3A:B7"),
        ("id 129c6ac7-8d06-89de-ad63-0204a93e76c3", "129c6ac7-8d06-89de-ad63-0204a93e76c3"),
        ("bank account 945456787654", "945456787654"),
    ],
)
@pytest.mark.parametrize("language", ["en", "es"])
def test_presidios_recognizers_run_in_both_languages(
    detector: Deidentifier, text: str, value: str, language: str
) -> None:
    assert value not in detector.deidentify(text, language=language).text  # type: ignore[arg-type]
