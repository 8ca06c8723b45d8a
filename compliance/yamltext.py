"""One way to read YAML: safe, and with the C loader where there is one, which is ten times quicker.

That counts for every start, and for the first question on a small device. The C loader calls
itself for each level, without a bound: a text of ten thousand brackets would end the process. So
levels are counted first, by the parser, which does not.
"""

from __future__ import annotations

from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 100
"""Most levels of maps and lists in one another."""


def read_yaml(content: str | bytes) -> Any:
    """The values of a YAML text; it makes no objects but maps, lists and plain values.

    Raises:
        yaml.YAMLError: it is no YAML, or has more than `DEEPEST` levels.
    """
    level = 0
    for event in yaml.parse(content, _LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1
        if level > DEEPEST:
            raise yaml.YAMLError(f"The text has more than {DEEPEST} levels.")
    return yaml.load(content, _LOADER)  # noqa: S506 - both loaders are safe ones
