"""Who imports whom inside a package, read from its syntax trees: no module is executed."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

Graph = dict[str, set[str]]


def module_names(package: Path) -> dict[str, Path]:
    """Dotted name of every module below the folder `package`, and its file."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """What stands directly in a node and is or holds a statement; an import is nowhere else."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield node


def runtime_imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements wherever they stand, in functions too; not those for types alone."""
    for node in _statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for branch in node.orelse:
                yield from runtime_imports(ast.Module(body=[branch], type_ignores=[]))
        else:
            yield from runtime_imports(node)


def _meanings(
    node: ast.Import | ast.ImportFrom, importer: str, is_package: bool
) -> Iterator[tuple[str, ...]]:
    """What each imported name may be, the likelier first: a module, or a name in a module."""
    if isinstance(node, ast.Import):
        yield from ((alias.name,) for alias in node.names)
        return
    parts = importer.split(".")
    base = parts[: len(parts) - node.level + is_package] if node.level else []
    home = ".".join([*base, *([node.module] if node.module else [])])
    yield from ((f"{home}.{alias.name}", home) for alias in node.names)


def all_imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements wherever they stand, those for types too."""
    for node in _statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        else:
            yield from all_imports(node)


@functools.cache
def _parsed(text: str) -> ast.Module:
    """The tree of a module, of which two graphs are made."""
    return ast.parse(text)


def import_graph(package: Path, *, types: bool = False) -> Graph:
    """Each module of a package with the modules of the same package it imports.

    `from a import b` counts as an import of the module a.b where there is one, else of a. With
    `types` what is imported for annotations alone counts too.
    """
    found = all_imports if types else runtime_imports
    names = module_names(package)
    graph: Graph = {name: set() for name in names}
    for name, path in names.items():
        for node in found(_parsed(path.read_text(encoding="utf-8"))):
            for meanings in _meanings(node, name, path.name == "__init__.py"):
                graph[name].update([m for m in meanings if m in names][:1])
        graph[name].discard(name)
    return graph


def cycles(graph: Graph) -> list[list[str]]:
    """Groups of modules that reach one another (strongly connected, two or more), sorted.

    Tarjan's algorithm (1972, SIAM Journal on Computing 1, 146-160).
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            at = stack.index(node)
            group, stack[at:] = sorted(stack[at:]), []
            if len(group) > 1:
                groups.append(group)

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return sorted(groups)
