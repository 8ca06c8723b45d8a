"""What the record says against the medicines that a reply names, whoever wrote them into it."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from services.hospital.chart.referred import Caution, cautions, read_facts
from services.hospital.desk import DeskItem
from services.hospital.portal.views import Voices
from services.web.i18n import Translator


class Against(BaseModel):
    """One warning, in the reader's words.

    Attributes:
        medicine: as the reply names it.
        text: what a rule says of it, to the patient; empty where what came says it itself.
        why: what came of the record, or that age, sex or pregnancy decides.
    """

    model_config = ConfigDict(frozen=True)

    medicine: str
    text: str
    why: str


def against(item: DeskItem, text: str, voices: Voices) -> tuple[Against, ...]:
    """What stands against a reply as it is now; nothing found does not mean that all is well.

    Args:
        item: the referral, of whose record only what bears on the question came.
        text: of the reply.
        voices: of the reader and the patient.
    """
    t = voices.reader
    facts = read_facts(item.question, datetime.now(UTC).date())
    return tuple(
        Against(
            medicine=one.medicine,
            text="" if one.fact and one.fact.text == one.text else one.text,
            why=_why(one, t),
        )
        for one in cautions(text, facts, voices.language)
    )


def _why(one: Caution, t: Translator) -> str:
    if one.fact is None:
        return t("draft.from_person")
    return f"{t('draft.from_list' if one.fact.entered else 'draft.from_record')}: {one.fact.text}"
