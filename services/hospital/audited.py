"""What the hospital writes down before it happens: reads, questions, sign-in, keys, erasure.

Every method raises `compliance.audit.AuditError` when it could not be written; what it describes
must not happen then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from compliance.audit import acts, balp
from compliance.audit.actors import event, own
from compliance.audit.acts import Actors, Agent
from compliance.audit.agents import DICOM, coding
from compliance.audit.balp import Outcome
from services.fhir.access import Change, Disclosure
from services.learning.intake.acts import Change as Handed
from services.learning.intake.acts import handed
from services.learning.rollout.acts import moved
from services.learning.rollout.ports import Move
from services.learning.rounds.acts import Act, decided
from services.learning.sources.acts import Act as Known
from services.learning.sources.acts import decided as known

PORTAL = Agent("application", "caretier-portal")
SHELL = Agent("application", "caretier-command")
REFUSED: Outcome = "8"


@dataclass(frozen=True)
class Caller:
    """Who asks: a person at the portal, or a program with a key.

    Attributes:
        application: the program.
        person: who uses it; None for a program of its own.
        client: network address that the request came from; the program's name where unknown.
    """

    application: Agent
    person: Agent | None = None
    client: str | None = None

    @classmethod
    def user(cls, id_: str, role: str, client: str | None = None) -> Caller:
        """A person at the portal."""
        return cls(PORTAL, Agent("person", id_, role=role), client)

    @classmethod
    def shell(cls) -> Caller:
        """Whoever runs a command on the hospital's own machine."""
        return cls(SHELL, Agent("person", "operator", role="operator"))


class Auditor:
    """Writes the hospital's own acts to its trail.

    Args:
        record: writes events to the trail; all of them, or none counts.
        node: name of the hospital.
    """

    def __init__(self, record: Callable[[Sequence[dict[str, Any]]], object], node: str) -> None:
        self._record_all, self._node = record, node

    def _record(self, event: dict[str, Any]) -> None:
        self._record_all([event])

    def _by(self, caller: Caller, model: Agent | None = None, purpose: str = "TREAT") -> Actors:
        return Actors(
            application=caller.application,
            node=self._node,
            person=caller.person,
            model=model,
            client=caller.client or caller.application.id,
            purpose=purpose,
        )

    def fhir(self, caller: Caller, disclosure: Disclosure) -> None:
        """A read, search or whole record over FHIR; a search tells of each patient in it."""
        if disclosure.interaction == "de-identify":
            by = self._by(caller, purpose="HRESCH")
            self._record(acts.read(by, disclosure.what, patient=_patient(disclosure.patients)))
            return
        by = self._by(caller, purpose="HOPERAT" if disclosure.interaction == "export" else "TREAT")
        patients: list[str | None] = [f"Patient/{id_}" for id_ in disclosure.patients]
        if disclosure.interaction == "everything":
            self._record(acts.everything(by, disclosure.what))
        elif disclosure.interaction == "search":
            made = partial(acts.search, by, disclosure.request)
            self._record_all([made(patient=patient) for patient in patients or [None]])
        elif disclosure.interaction == "history":
            made = partial(acts.history, by, disclosure.request)
            self._record_all([made(patient=patient) for patient in patients or [None]])
        elif disclosure.interaction == "export":
            made = partial(acts.export, by, what=disclosure.what)
            self._record_all([made(patient) for patient in patients or [None]])
        else:
            made = partial(acts.read, by, disclosure.what)
            self._record_all([made(patient=patient) for patient in patients or [None]])

    def change(self, caller: Caller, *changes: Change, model: str | None = None) -> None:
        """Writes of one transaction, each once for each patient whose record it is in.

        Args:
            caller: who writes.
            changes: what.
            model: name of the model that had a part in the words, if one had.
        """
        by = self._by(caller, Agent("model", model) if model else None)
        self._record_all(
            [
                acts.change(by, change.what, change.interaction, patient=patient)
                for change in changes
                for patient in ([f"Patient/{id_}" for id_ in change.patients] or (None,))
            ]
        )

    def refused(self, caller: Caller, what: str) -> None:
        """A read that the caller may not make; ``what`` is ``Type/id`` or ``kind:id``."""
        self._record(acts.read(self._by(caller), what, outcome=REFUSED))

    def chart(self, caller: Caller, patient: str) -> None:
        """A person's chart; ``patient`` is ``Patient/id``."""
        self._record(acts.read(self._by(caller), f"chart:{patient}", patient=patient))

    def referral(self, caller: Caller, referral: str) -> None:
        """A referral on the desk; its patient is not known here."""
        self._record(acts.read(self._by(caller), f"referral:{referral}"))

    def held(self, caller: Caller, act: str, referrals: Sequence[str]) -> None:
        """Who holds referrals changes: take, release, handover, snooze, wake or undo."""
        by = self._by(caller)
        kind = coding(DICOM, "110100", "Application Activity")
        self._record_all(
            [
                event(
                    by,
                    kind=kind,
                    subtypes=[own("worklist")],
                    action="U",
                    entities=[balp.thing(f"referral:{id_}", change=act)],
                )
                for id_ in referrals
            ]
        )

    def chat(self, caller: Caller, consult: str, model: str, *, patient: str | None = None) -> None:
        """A question to the assistant; ``patient`` is ``Patient/id`` whose record it is put to."""
        by = self._by(caller, Agent("model", model))
        self._record(acts.chat(by, consult, patient=patient))

    def decision_support(self, caller: Caller, service: str, patient: str) -> None:
        """Decision support is given on one patient; ``patient`` is an id at the EHR that asks."""
        event = acts.read(self._by(caller), f"cds:{service}", patient=f"Patient/{patient}")
        self._record(event)

    def sign_in(self, caller: Caller, method: str, outcome: Outcome = "0") -> None:
        """A person signed in, or tried to."""
        self._record(acts.sign_in(self._by(caller), method=method, outcome=outcome))

    def sign_out(self, caller: Caller, method: Literal["asked", "idle"] = "asked") -> None:
        """A session ended."""
        self._record(acts.sign_out(self._by(caller), method=method))

    def key(self, caller: Caller, key_id: str, change: Literal["made", "revoked"]) -> None:
        """A key was made or revoked."""
        self._record(acts.key(self._by(caller), key_id, change=change))

    def account(
        self, caller: Caller, account: str, change: str, why: str = "", **detail: str
    ) -> None:
        """An account is made or changed; ``change`` is what: ``made``, ``role``, ``disabled``."""
        by = self._by(caller, purpose="HSYSADMIN")
        self._record(acts.account(by, account, change=change, why=why, detail=detail))

    def trail(
        self, caller: Caller, what: str, *, patient: str | None = None, **detail: str
    ) -> None:
        """The trail itself is read, checked or given out; ``what`` is ``trail:search`` and such."""
        by = self._by(caller, purpose="HCOMPL")
        self._record(acts.trail_used(by, what, patient=patient, **detail))

    def expert(self, caller: Caller, expert: str, change: Literal["pushed", "popped"]) -> None:
        """An expert is pushed to the engine or popped from it."""
        by = self._by(caller, purpose="HOPERAT")
        kind = coding(DICOM, "110100", "Application Activity")
        entity = balp.thing(f"expert:{expert}", change=change)
        self._record(event(by, kind=kind, subtypes=[own("expert")], action="U", entities=[entity]))

    def phrase(self, caller: Caller, what: str, change: str) -> None:
        """A phrase is written, shared, approved or retired; ``what`` is ``phrase:id``."""
        kind = coding(DICOM, "110100", "Application Activity")
        made = event(
            self._by(caller, purpose="HQUALIMP"), kind=kind, subtypes=[own("phrase")],
            action="U", entities=[balp.thing(what, change=change)],
        )  # fmt: skip
        self._record(made)

    def job(self, caller: Caller, what: str, change: str) -> None:
        """An operator tries a job again that was given up, or drops it; ``what`` is ``job:id``."""
        kind = coding(DICOM, "110100", "Application Activity")
        made = event(
            self._by(caller, purpose="HSYSADMIN"), kind=kind, subtypes=[own("job")],
            action="U", entities=[balp.thing(what, change=change)],
        )  # fmt: skip
        self._record(made)

    def node(self, caller: Caller, what: str, change: str) -> None:
        """An operator makes a code for a clinic, or shuts one out; ``what`` says which."""
        made = event(
            self._by(caller, purpose="HSYSADMIN"), kind=coding(DICOM, "110113", "Security Alert"),
            subtypes=[own("enrol")], action="U", entities=[balp.thing(what, change=change)],
        )  # fmt: skip
        self._record(made)

    def learning(self, caller: Caller, what: str, change: Act) -> None:
        """A person starts, approves, rejects or retries a round; ``what`` is ``round:id``."""
        self._record(decided(self._by(caller, purpose="HOPERAT"), what, change))

    def rollout(self, caller: Caller, what: str, change: Move) -> None:
        """A release moves on its way to the nodes, or back; ``what`` is ``rollout:id@version``."""
        self._record(moved(self._by(caller, purpose="HOPERAT"), what, change))

    def knowledge(self, caller: Caller, what: str, change: Known) -> None:
        """A person asks a source or decides a change of knowledge; ``what`` is ``change:id``."""
        self._record(known(self._by(caller, purpose="HQUALIMP"), what, change))

    def contribution(self, caller: Caller, what: str, change: Handed) -> None:
        """A node's contribution comes or goes; ``what`` is ``contribution:id`` or ``trust:n``."""
        self._record(handed(self._by(caller, purpose="HQUALIMP"), what, change))

    def break_glass(
        self, caller: Caller, patient: str, why: str, category: str | None = None
    ) -> None:
        """A person takes emergency access to one patient, and says why."""
        by = self._by(caller, purpose="ETREAT")
        self._record(acts.break_glass(by, patient, why=why, category=category))

    def review(self, caller: Caller, patient: str, access: str, verdict: str) -> None:
        """A privacy officer says whether an emergency access was justified."""
        by = self._by(caller, purpose="HCOMPL")
        self._record(acts.read(by, f"glass-{verdict}:{access}", patient=patient))

    def erase(self, caller: Caller, device: str, what: str) -> None:
        """Something of the person behind a device is destroyed."""
        self._record(acts.erase(self._by(caller, purpose="PATRQT"), device, what=what))

    def planned(self, caller: Caller, patient: str) -> None:
        """What erasing a person's record would destroy is counted, and shown."""
        by = self._by(caller, purpose="PATRQT")
        self._record(acts.read(by, "erasure:plan", patient=f"Patient/{patient}"))

    def export(self, caller: Caller, patient: str, what: str) -> None:
        """A person's data is given out as a whole."""
        self._record(acts.export(self._by(caller, purpose="PATRQT"), patient, what=what))

    def copied(self, caller: Caller) -> None:
        """The whole record is written out on the hospital's own machine."""
        self._record(acts.export(self._by(caller, purpose="HOPERAT"), None, what="export:record"))

    def hold(self, caller: Caller, subject: str, change: Literal["placed", "lifted"]) -> None:
        """A legal hold is placed or lifted; ``subject`` is ``kind:id``."""
        by = self._by(caller, purpose="HLEGAL")
        entity = balp.thing(subject, change=change)
        kind = coding("iso-21089-lifecycle", "hold", "Add Legal Hold Record Lifecycle Event")
        made = event(by, kind=kind, subtypes=[own("hold")], action="U", entities=[entity])
        self._record(made)


def _patient(ids: Sequence[str]) -> str | None:
    """The one Patient of a record, if it is somebody's."""
    return f"Patient/{ids[0]}" if ids else None
