"""Whether the code and the tests that a point names are there; files are read, not imported."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from compliance.transparency.artifacts import PACKAGES

_TEST = re.compile(r"^(tests/[\w/]+\.py)(?:::(\w+(?:::\w+)?)(?:\[([^\]]*)\*\])?)?$")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def fault_of_symbol(symbol: str, root: Path) -> str | None:
    """What is wrong with ``package.module:Class.method``, or None."""
    module, _, name = symbol.partition(":")
    if not name or module.split(".")[0] not in PACKAGES:
        return f"{symbol} is no symbol of the project"
    base = root.joinpath(*module.split("."))
    path = next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
    if path is None:
        return f"{symbol}: there is no module {module}"
    names = _names(path, path.stat().st_mtime_ns)
    return None if name in names else f"{symbol}: {module} has no {name}"


def fault_of_test(test: str, root: Path) -> str | None:
    """What is wrong with a test's id, or None.

    A start of a parameter in brackets is looked for in the text of the file.
    """
    match = _TEST.match(test)
    if match is None:
        return f"{test} is no id of a test"
    path = root / match[1]
    if not path.is_file():
        return f"{test}: there is no such file"
    names = _names(path, path.stat().st_mtime_ns)
    if match[2] is None:
        any_ = any(_is_test(name) for name in names)
        return None if any_ else f"{test}: the file has no test"
    name = match[2].replace("::", ".")
    if name not in names or not _is_test(name):
        return f"{test}: there is no such test"
    if match[3] and match[3].rstrip("-") not in path.read_text(encoding="utf-8"):
        return f"{test}: there is no such parameter"
    return None


def _is_test(name: str) -> bool:
    return name.rpartition(".")[2].startswith("test_")


@cache
def _names(path: Path, _changed: int) -> frozenset[str]:
    """Names at the top of a module, and of the members of its classes with the class before."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError:
        return frozenset()
    return frozenset(name for node in tree.body for name in _of(node))


def _of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef):
        return [node.name, *(f"{node.name}.{name}" for part in node.body for name in _of(part))]
    if isinstance(node, Definition):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    return [target.id for target in targets if isinstance(target, ast.Name)]
