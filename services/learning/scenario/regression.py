"""The third act: bad releases are signed past the gates, and come back by themselves.

Whoever holds the publisher's key can sign what no round judged. Here it is first the hostile site's
own adapter, then one that has forgotten what the parent learned and is harmless otherwise. Channels
offer them to nobody until a rollout does, and the rollout asks canary questions and watches what
clinicians override: that is the last guard. The first may fail at either, the second passes the
canaries as the bare model does and is found out by what is counted at clinics alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from compliance.errors import CaretierError
from services.bricks.adapters.base import Base
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.repository.publish import publish
from services.engines.settings import embedded_model
from services.learning.aggregate import Delta
from services.learning.convert import adapter_of
from services.learning.rounds.ports import Say
from services.learning.scenario.cast import Cast
from services.learning.scenario.errors import ScenarioError
from services.learning.scenario.outcome import Planted
from services.learning.scenario.parent import BRICK, DOMAIN
from services.learning.scenario.releasing import let_override, quality_of, steps_of

FORGOTTEN = 0.001
"""Length of a change that leaves the model as it was before it learned."""


def plant(cast: Cast, delta: Delta, former: str, version: int, say: Say) -> Planted:
    """Sign a bad release past the gates, roll it out, and see how that ends."""
    parent = cast.parent
    ref = sign_past_the_gates(cast, delta, former, version)
    let_override(parent, ref, former)
    parent.rollout.start(ref, former)
    say(f"{ref} is signed past the gates and begins to roll out")
    hours = parent.live(ref)
    case = parent.rollout.book.get(ref)
    say(f"{ref} is {case.deployment.state} after {hours:.1f} simulated hours")
    return Planted(
        brick=ref,
        state=case.deployment.state,
        unasked=quality_of(parent, ref, unasked=True),
        hours=hours,
        steps=steps_of(case),
        reason=case.deployment.reason,
    )


def sign_past_the_gates(cast: Cast, delta: Delta, former: str, version: int) -> str:
    """Publish a change as a version after ``former``, with the keys that lie at the hospital."""
    parent, base = cast.parent, Base.of(embedded_model())
    adapter = adapter_of(delta, base.digest)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "adapter.gguf"
        write_gguf_adapter(adapter, base.heads, path, DOMAIN)
        fields = {
            "id": BRICK,
            "version": version,
            "kind": "adapter",
            "title": "No round made this",
            "level": "clinic",
            "languages": ["en", "es"],
            "domain": DOMAIN,
            "base": base.digest,
            "rank": adapter.rank,
            "licence": "Apache-2.0",
            "created": datetime.now(UTC),
            "lineage": {"operation": "updated", "parents": (former,)},
        }
        manifest = parent.store.make(fields, {"adapter.gguf": (path, "gguf")})
    publish(parent.repository, parent.store, parent.keys(), manifest.ref)
    return manifest.ref


def ask_again(cast: Cast, ref: str) -> str:
    """What a clinic is told that asks for a withdrawn release by its name.

    Raises:
        ScenarioError: it was given it.
    """
    try:
        cast.north.updater.pull(ref)
    except CaretierError as error:
        return error.message
    raise ScenarioError(f"{ref} was given to a clinic after it was withdrawn.")
