"""Publishing: a candidate that people let through becomes a signed brick that nodes can trust.

Workflow. `BrickPublisher.publish` makes a brick of the adapter that was measured (both forms of
it), with what it came from and how it did, puts it into the hospital's store, and signs it into the
repository with the keys at hand. A repository with channels offers it to nobody until the rollout
does. The hospital's own expert follows what is released (`follow`).

    publisher = BrickPublisher(repository, store, lambda: signer_of(data), model=parents_file)
    publisher.publish(release)                                      # "learned-general@3"
"""

from services.learning.publish.publisher import BrickPublisher, brick_of
from services.learning.publish.signing import signer_of

__all__ = ["BrickPublisher", "brick_of", "signer_of"]
