"""A small synthetic clinic: 18 invented people with the problems that a consult must handle.

`generate` makes the same resources for the same seed and day. Everybody carries the security tag
``HTEST`` (test health data); names are invented, phones are 555-01xx, mail is at example.org.

    python -m services.fhir.sandbox var/sandbox            # one NDJSON file per resource type

| id | who | what for |
|---|---|---|
| p01 | man, 58 | type 2 diabetes, hypertension, CKD 3; A1c and eGFR fall |
| p02 | girl, 5 months | healthy infant, immunisations under way |
| p03 | boy, 8 | asthma, peanut anaphylaxis |
| p04 | girl, 15 | migraine, ibuprofen as needed |
| p05 | woman, 31 | 28 weeks pregnant, anaemia |
| p06 | man, 74 | atrial fibrillation, warfarin, last INR high; codeine intolerance |
| p07 | woman, 42 | penicillin anaphylaxis, latex |
| p08 | man, 35 | depression, sertraline, PHQ-9 improving |
| p09 | man, 71 | COPD, former smoker |
| p10 | woman, 92 | falls, osteoporosis, sulfonamide allergy |
| p11 | woman, 49 | breast cancer on chemotherapy, neutrophils low |
| p12 | woman, 63, speaks Spanish | type 2 diabetes, A1c rises, sulfonamide allergy |
| p13 | man, 26 | healthy, little recorded |
| p14 | woman, 45 | hypothyroidism, TSH back in range |
| p15 | woman, 68 | heart failure; lisinopril, spironolactone, potassium high |
| p16 | man, 66 | CKD 4 and still on metformin; gout; aspirin allergy |
| p17 | woman, 39 | bipolar disorder, lithium |
| p18 | man, 61 | coronary disease; nitrates, aspirin, clopidogrel, simvastatin |

Ids are readable and stable: ``Condition/p01-t2dm``, ``MedicationRequest/p01-metformin``,
``Observation/p01-a1c-3`` (counted from the oldest), ``AllergyIntolerance/p07-penicillin``.
"""

from services.fhir.sandbox.generate import SANDBOX_DAY, called, generate, people

__all__ = ["SANDBOX_DAY", "called", "generate", "people"]
