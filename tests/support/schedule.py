"""Which worker runs what: a file's tests on one worker, and groups as they are marked.

What a file's tests share is made once then, and not once on each worker. The largest groups and
files begin.
"""

from __future__ import annotations

from xdist.scheduler import LoadGroupScheduling


class ByFile(LoadGroupScheduling):
    """Gives out groups, and what is in no group by file."""

    def _split_scope(self, nodeid: str) -> str:
        """The group of a test, or its file."""
        scope: str = super()._split_scope(nodeid)
        return scope.partition("::")[0]
