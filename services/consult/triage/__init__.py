"""Triage: red flags by rule, before and without any model.

A message is brought into one plain spelling (``normalise``, ``spelling``), concepts and cues are
found in it (``patterns``), each find gets a status such as present, denied or past (``modality``),
numbers are read into one unit (``vitals``), and rules hold what is there against public guidance
(``rules``). The words, cues, rules, advice and telephone numbers are data (``data/*.yaml``, read by
``loading``); the code knows no illness. A second pair of eyes, the trained reader, then looks at
what the rules found no emergency in, and can raise the level but never lower it (``triager``).

    >>> from services.consult.triage import Triager
    >>> Triager.load().assess("crushing chest pain and my left arm is numb").level
    <Urgency.EMERGENCY: 'emergency'>
"""

from services.consult.triage.errors import TriageRulesError
from services.consult.triage.rules import Evidence
from services.consult.triage.service import Match, TriageRules
from services.consult.triage.triager import Triager

__all__ = ["Evidence", "Match", "TriageRules", "TriageRulesError", "Triager"]
