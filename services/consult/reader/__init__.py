"""The reader: one small model of our own that says how urgent a message is and what is asked.

MiniLM, fine-tuned on messages written for this project (``corpus``) with one head for the urgency
of a message and one for the kind of a question, run as int8 ONNX on one thread, without torch. It
is a second pair of eyes: triage rules speak first and the reader can only raise their level; the
kind it gives is joined with the wording rules of `services.consult.understand`. What it was
trained on, how well it does and where it fails stands in ``CARD.md``.

    reader = Reader.load()
    reader.read("coffee runs out of one side of grandpa's mouth").emergency     # 0.97
"""

from services.consult.reader.matcher import Matcher
from services.consult.reader.reader import Reader, Reading

__all__ = ["Matcher", "Reader", "Reading"]
