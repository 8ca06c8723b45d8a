"""What must and what must not be said about an order, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from support.cds import (
    allergy,
    breastfeeding,
    cards_of,
    condition,
    creatinine,
    draft,
    egfr,
    medicine,
    person,
    pregnant,
    result,
    said,
    sign,
)

WOMAN = person("1994-02-02", "female")
OLD = person("1944-02-02", "female")
CHILD = person("2018-02-02", "male")

FIRES: list[tuple[str, str, list[Any], str, str]] = [
    # order, indicator, record, what the summary or detail says
    ("Amoxicillin 500 MG Oral Capsule", "critical", [allergy("Penicillin V")], "same class"),
    (
        "Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet",
        "critical",
        [allergy("Penicillin")],
        "same class",
    ),
    (
        "Penicillin V Potassium 250 MG Oral Tablet",
        "critical",
        [allergy("Penicillin")],
        "recorded allergy",
    ),
    ("Ampicillin 500 MG", "critical", [allergy("Allergy to amoxicillin")], "same class"),
    ("Cephalexin 500 MG Oral Capsule", "warning", [allergy("Penicillin")], "cross-reactivity"),
    ("Amoxicillin 500 MG", "warning", [allergy("Cephalexin")], "cross-reactivity"),
    (
        "Sulfamethoxazole 800 MG / Trimethoprim 160 MG Oral Tablet",
        "critical",
        [allergy("Sulfa drugs")],
        "class",
    ),
    ("Bactrim DS", "critical", [allergy("Sulfonamide antibiotics")], "class"),
    ("Furosemide 40 MG Oral Tablet", "info", [allergy("Sulfa drugs")], "sulfa"),
    ("Ibuprofen 400 MG Oral Tablet", "critical", [allergy("Aspirin")], "cross-reactivity"),
    ("Naproxen 500 MG", "critical", [allergy("Ibuprofen")], "cross-reactivity"),
    ("Codeine sulfate 30 MG", "critical", [allergy("Morphine")], "same class"),
    ("Azithromycin 250 MG", "critical", [allergy("Erythromycin")], "same class"),
    ("Lisinopril 10 MG Oral Tablet", "critical", [allergy("Enalapril")], "same class"),
    ("Simvastatin 20 MG", "warning", [allergy("Atorvastatin", type="intolerance")], "same class"),
    ("Amoxicillin 500 MG", "critical", [allergy("Penicillin", clinicalStatus=None)], "same class"),
    ("Ibuprofen 400 MG", "warning", [medicine("Warfarin Sodium 5 MG Oral Tablet")], "bleeding"),
    ("Warfarin Sodium 5 MG Oral Tablet", "warning", [medicine("Ibuprofen 400 MG")], "bleeding"),
    ("Aspirin 325 MG", "warning", [medicine("Apixaban 5 MG Oral Tablet")], "bleeding"),
    (
        "Clarithromycin 500 MG",
        "critical",
        [medicine("Simvastatin 40 MG Oral Tablet")],
        "rhabdomyolysis",
    ),
    (
        "Simvastatin 40 MG Oral Tablet",
        "critical",
        [medicine("Clarithromycin 500 MG")],
        "rhabdomyolysis",
    ),
    ("Clarithromycin 500 MG", "warning", [medicine("Atorvastatin 40 MG")], "rhabdomyolysis"),
    (
        "Sulfamethoxazole 800 MG / Trimethoprim 160 MG Oral Tablet",
        "critical",
        [medicine("Methotrexate 2.5 MG Oral Tablet")],
        "marrow",
    ),
    (
        "Trimethoprim 100 MG Oral Tablet",
        "critical",
        [medicine("Methotrexate 2.5 MG Oral Tablet")],
        "marrow",
    ),
    (
        "Sumatriptan 50 MG Oral Tablet",
        "warning",
        [medicine("Sertraline 50 MG Oral Tablet")],
        "serotonin",
    ),
    (
        "Sumatriptan 50 MG Oral Tablet",
        "critical",
        [condition("Coronary artery disease")],
        "contraindicated",
    ),
    (
        "Sumatriptan 50 MG",
        "critical",
        [medicine("Phenelzine 15 MG Oral Tablet")],
        "life-threatening",
    ),
    (
        "Sildenafil 50 MG Oral Tablet",
        "critical",
        [medicine("Nitroglycerin 0.4 MG/ACTUAT Mucosal Spray")],
        "hypotension",
    ),
    (
        "Ciprofloxacin 500 MG",
        "critical",
        [medicine("Tizanidine 4 MG Oral Tablet")],
        "contraindicated",
    ),
    ("Ciprofloxacin 500 MG", "warning", [medicine("Warfarin 5 MG")], "INR"),
    ("Oxycodone 5 MG Oral Tablet", "warning", [medicine("Alprazolam 0.5 MG")], "boxed warning"),
    (
        "Sacubitril 24 MG / Valsartan 26 MG Oral Tablet",
        "critical",
        [medicine("Lisinopril 10 MG")],
        "angioedema",
    ),
    ("Spironolactone 25 MG", "warning", [medicine("Lisinopril 10 MG")], "hyperkalemia"),
    ("Ibuprofen 600 MG", "warning", [medicine("Lithium Carbonate 300 MG")], "lithium"),
    ("Clopidogrel 75 MG", "warning", [medicine("Omeprazole 20 MG")], "CYP2C19"),
    ("Allopurinol 100 MG", "critical", [medicine("Azathioprine 50 MG")], "marrow"),
    ("Amiodarone 200 MG", "warning", [medicine("Digoxin 0.125 MG")], "digoxin"),
    ("Tramadol 50 MG", "warning", [medicine("Fluoxetine 20 MG")], "serotonin"),
    ("Metoprolol 50 MG", "warning", [medicine("Verapamil 120 MG")], "bradycardia"),
    ("Doxycycline 100 MG", "critical", [medicine("Isotretinoin 20 MG")], "intracranial"),
    ("Levothyroxine 100 MCG", "info", [medicine("Ferrous sulfate 325 MG")], "absorption"),
    (
        "Atorvastatin 20 MG",
        "warning",
        [medicine("Simvastatin 10 MG Oral Tablet")],
        "second medicine of one class",
    ),
    (
        "Simvastatin 20 MG Oral Tablet",
        "warning",
        [medicine("Simvastatin 10 MG Oral Tablet")],
        "same ingredient",
    ),
    (
        "Acetaminophen 325 MG / Hydrocodone Bitartrate 5 MG Oral Tablet",
        "warning",
        [medicine("Acetaminophen 500 MG")],
        "same ingredient",
    ),
    ("Enalapril 5 MG", "warning", [medicine("Lisinopril 10 MG")], "second medicine of one class"),
    ("Losartan 50 MG", "warning", [medicine("Lisinopril 10 MG")], "hyperkalemia"),
    ("Lisinopril 10 MG Oral Tablet", "critical", [WOMAN, pregnant()], "pregnancy on record"),
    ("Warfarin 5 MG", "critical", [WOMAN, pregnant()], "teratogenic"),
    ("Isotretinoin 20 MG", "critical", [WOMAN, pregnant()], "teratogenic"),
    ("Methotrexate 2.5 MG", "critical", [WOMAN, condition("Normal pregnancy")], "teratogenic"),
    ("Valproate 500 MG", "critical", [WOMAN, pregnant()], "teratogenic"),
    ("Ibuprofen 400 MG", "warning", [WOMAN, pregnant()], "pregnancy on record"),
    ("Atorvastatin 20 MG", "warning", [WOMAN, pregnant()], "pregnancy on record"),
    ("Doxycycline 100 MG", "critical", [WOMAN, pregnant()], "pregnancy on record"),
    ("Codeine sulfate 30 MG", "warning", [WOMAN, breastfeeding()], "breastfeeding on record"),
    ("Lithium Carbonate 300 MG", "warning", [WOMAN, breastfeeding()], "breastfeeding on record"),
    (
        "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet",
        "critical",
        [egfr(25)],
        "below 30",
    ),
    ("Metformin 500 MG", "warning", [egfr(38)], "30 to 45"),
    ("Metformin 500 MG", "critical", [creatinine(3.2)], "CKD-EPI"),
    ("Metformin 500 MG", "critical", [creatinine(283, "umol/L")], "CKD-EPI"),
    ("Metformin 500 MG", "critical", [egfr(70, "2025-08-01"), creatinine(3.4)], "below 30"),
    ("Naproxen sodium 220 MG Oral Tablet", "warning", [egfr(40)], "kidney"),
    ("Nitrofurantoin 100 MG", "warning", [egfr(22)], "kidney function"),
    ("Gabapentin 300 MG", "warning", [egfr(28)], "dose"),
    (
        "Ibuprofen 400 MG",
        "warning",
        [condition("Chronic kidney disease stage 3 (disorder)")],
        "kidney",
    ),
    ("Ibuprofen 400 MG", "warning", [condition("Congestive heart failure")], "heart failure"),
    ("Propranolol 40 MG", "warning", [condition("Asthma")], "airway"),
    ("Spironolactone 25 MG", "warning", [result("2823-3", 5.6, "mmol/L")], "potassium"),
    ("Ibuprofen 400 MG", "warning", [result("6301-6", 4.1, "")], "INR"),
    ("Bupropion 150 MG", "critical", [condition("Epilepsy")], "seizure"),
    ("Nitrofurantoin 100 MG", "critical", [condition("G6PD deficiency")], "hemolysis"),
    ("Aspirin 81 MG Oral Tablet", "critical", [CHILD], "Reye"),
    ("Codeine sulfate 30 MG", "critical", [CHILD], "respiratory depression"),
    ("Diphenhydramine 25 MG", "info", [OLD], "65 and older"),
    ("Promethazine 12.5 MG", "critical", [person("2025-06-01", "female")], "under 2"),
    ("Estradiol 1 MG", "critical", [WOMAN, condition("Deep vein thrombosis")], "thrombotic"),
]

SILENT: list[tuple[str, list[Any]]] = [
    # order, record: nothing at all is said
    ("Acetaminophen 325 MG Oral Tablet", [allergy("Penicillin V")]),
    ("Acetaminophen 325 MG Oral Tablet", []),
    ("Amoxicillin 500 MG", []),
    ("Amoxicillin 500 MG", [allergy("Sulfa drugs")]),
    ("Amoxicillin 500 MG", [allergy("Peanut"), allergy("Latex", "al-2")]),
    (
        "Amoxicillin 500 MG",
        [allergy("Penicillin", clinicalStatus={"coding": [{"code": "resolved"}]})],
    ),
    (
        "Amoxicillin 500 MG",
        [allergy("Penicillin", clinicalStatus={"coding": [{"code": "inactive"}]})],
    ),
    (
        "Amoxicillin 500 MG",
        [allergy("Penicillin", verificationStatus={"coding": [{"code": "refuted"}]})],
    ),
    (
        "Amoxicillin 500 MG",
        [allergy("Penicillin", verificationStatus={"coding": [{"code": "entered-in-error"}]})],
    ),
    ("Amoxicillin 500 MG", [allergy("No known drug allergies")]),
    ("Cetirizine 10 MG", [allergy("Penicillin")]),
    ("Ibuprofen 400 MG", [medicine("Warfarin 5 MG", status="stopped")]),
    ("Ibuprofen 400 MG", [medicine("Warfarin 5 MG", status="completed")]),
    ("Ibuprofen 400 MG", [medicine("Warfarin 5 MG", status="entered-in-error")]),
    ("Ibuprofen 400 MG", [medicine("Warfarin 5 MG", intent="proposal")]),
    ("Ibuprofen 400 MG", [medicine("Warfarin 5 MG", doNotPerform=True)]),
    ("Clarithromycin 500 MG", [medicine("Pravastatin 20 MG")]),
    ("Atorvastatin 20 MG", [medicine("Simvastatin 10 MG", status="stopped")]),
    ("Metformin 500 MG", [egfr(95)]),
    ("Metformin 500 MG", [egfr(62)]),
    ("Metformin 500 MG", [creatinine(0.9)]),
    ("Metformin 500 MG", [creatinine(80, "umol/L")]),
    ("Metformin 500 MG", [egfr(25, status="entered-in-error")]),
    ("Metformin 500 MG", [egfr(25, status="cancelled")]),
    ("Metformin 500 MG", [egfr(25, "2021-01-01")]),
    ("Metformin 500 MG", [egfr(25, "2026-01-01"), egfr(80, "2026-05-20")]),
    ("Lisinopril 10 MG", [person("1980-01-01", "male"), pregnant()]),
    ("Lisinopril 10 MG", [WOMAN, pregnant("2024-01-01")]),
    ("Lisinopril 10 MG", [WOMAN, pregnant("2026-05-01", "LA26683-5")]),
    ("Lisinopril 10 MG", [WOMAN, condition("Normal pregnancy", clinical="resolved")]),
    ("Lisinopril 10 MG", [WOMAN]),
    ("Codeine sulfate 30 MG", [WOMAN, breastfeeding(answer="LA32-8")]),
    ("Codeine sulfate 30 MG", [WOMAN, breastfeeding("2022-01-01")]),
    ("Propranolol 40 MG", [condition("Asthma", clinical="resolved")]),
    (
        "Propranolol 40 MG",
        [condition("Asthma", verificationStatus={"coding": [{"code": "refuted"}]})],
    ),
    ("Propranolol 40 MG", [condition("Family history of asthma")]),
    ("Spironolactone 25 MG", [result("2823-3", 4.1, "mmol/L")]),
    ("Ibuprofen 100 MG Oral Tablet", [CHILD]),
    ("Diphenhydramine 25 MG", [person("1990-01-01", "female")]),
    ("Hydrochlorothiazide 25 MG Oral Tablet", [medicine("Lisinopril 10 MG Oral Tablet")]),
    (
        "Simvastatin 10 MG Oral Tablet",
        [medicine("24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet")],
    ),
    (
        "Amoxicillin 500 MG",
        [medicine("Lisinopril 10 MG Oral Tablet"), medicine("Acetaminophen 325 MG", "med-2")],
    ),
]


@pytest.mark.parametrize(("order", "indicator", "record", "words"), FIRES)
def test_what_stands_against_an_order_is_said_with_its_weight(order, indicator, record, words):
    cards = cards_of(sign(draft(order), record=tuple(record)))
    fitting = [c for c in cards if words.lower() in said([c]).lower()]
    assert fitting, said(cards)
    assert fitting[0]["indicator"] == indicator, said(cards)


@pytest.mark.parametrize(("order", "indicator", "record", "words"), FIRES)
def test_every_warning_names_its_source_and_can_be_overridden(order, indicator, record, words):
    cards = cards_of(sign(draft(order), record=tuple(record)))
    for card in cards:
        if "Could not be checked" not in card["summary"]:
            assert card["source"]["url"].startswith("https://")
            assert card["overrideReasons"]
            assert "Source: [" in card["detail"]
            assert "/" in card["detail"].split("Source")[0]  # a reference into the record


@pytest.mark.parametrize(("order", "record"), SILENT)
def test_nothing_is_said_where_nothing_stands_against_an_order(order, record):
    assert said(cards_of(sign(draft(order), record=tuple(record)))) == ""
