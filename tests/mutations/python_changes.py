"""What can be changed in a module of Python, by its syntax tree: the mistakes that whoever edits it might make."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

from .changes import Change, that_hold

OTHER_COMPARISON = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OTHER_OPERATOR = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.Pow: ast.Mult,
}  # fmt: skip
# Texts and types are not what a test of behaviour should hold to the letter.
SKIPPED = (ast.JoinedStr, ast.AnnAssign, ast.arg, ast.Import, ast.ImportFrom)


def python_changes(path: str, source: bytes) -> list[Change]:
    """Return every change to a module, in the order of its lines."""
    tree, starts = ast.parse(source), _starts_of_lines(source)

    def found() -> Iterator[Change]:
        for node in _nodes(tree):
            for kind, target, new in _of(node):
                start, end = _place(target, starts)
                yield Change(path, kind, target.lineno, start, end, new)

    return that_hold(source, found(), lambda text: ast.dump(ast.parse(text)))


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes whose changes are of interest: no annotations, docstrings, decorators or texts with values."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AnnAssign) and child.value:
                yield from _nodes(child.value)
            elif isinstance(child, ast.AST) and not isinstance(child, SKIPPED):
                yield from _nodes(child)


def _of(node: ast.AST) -> Iterator[tuple[str, Any, str]]:
    """Yield kind, the node that is replaced, and what by."""
    for kind in (_comparison, _condition, _constant, _statement, _argument, _choice, _member):
        yield from kind(node)


def _comparison(node: ast.AST) -> Iterator[tuple[str, Any, str]]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            other = copy.deepcopy(node)
            other.ops[index] = OTHER_COMPARISON[type(operator)]()
            yield "comparison", node, _expression(other)
    if isinstance(node, ast.BinOp) and type(node.op) in OTHER_OPERATOR:
        other_operation = copy.deepcopy(node)
        other_operation.op = OTHER_OPERATOR[type(node.op)]()
        yield "operator", node, _expression(other_operation)


def _condition(node: ast.AST) -> Iterator[tuple[str, Any, str]]:
    if isinstance(node, ast.BoolOp):
        for operand in node.values:
            left = [other for other in node.values if other is not operand]
            yield "condition dropped", node, _expression(ast.BoolOp(node.op, left) if left[1:] else left[0])
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield "and for or", node, _expression(ast.BoolOp(other, node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", node, _expression(node.operand)
    tests = [node.test] if isinstance(node, ast.If | ast.While | ast.IfExp) else []
    for test in tests + (node.ifs if isinstance(node, ast.comprehension) else []):
        yield "condition turned round", test, f"(not {_expression(test)})"


def _constant(node: ast.AST) -> Iterator[tuple[str, Any, str]]:
    if not isinstance(node, ast.Constant):
        return
    if isinstance(node.value, bool):
        yield "constant", node, str(not node.value)
    elif isinstance(node.value, int | float):
        yield "constant", node, f"({node.value + 1})"
        yield "constant", node, f"({node.value - 1})"


def _statement(node: ast.AST) -> Iterator[tuple[str, Any, str]]:
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield "statement dropped", node, "pass"
    if isinstance(node, ast.Continue | ast.Break):
        yield "loop", node, "break" if isinstance(node, ast.Continue) else "continue"
    if isinstance(node, ast.Return) and node.value is not None:
        yield "nothing returned", node, "return None"


def _argument(node: ast.AST) -> Iterator[tuple[str, Any, str]]:
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            other = copy.copy(node)
            other.keywords = [one for one in node.keywords if one is not keyword]
            yield "argument dropped", node, _expression(other)


def _choice(node: ast.AST) -> Iterator[tuple[str, Any, str]]:
    if isinstance(node, ast.IfExp):
        yield "choice", node, _expression(node.body)
        yield "choice", node, _expression(node.orelse)


def _member(node: ast.AST) -> Iterator[tuple[str, Any, str]]:
    """Names in a tuple or set, such as S3's error codes, and the errors of an `except`; pairs of a dictionary."""
    if isinstance(node, ast.Tuple | ast.Set | ast.List) and len(node.elts) > 1 and _is_named(node.elts):
        for element in node.elts:
            other = copy.copy(node)
            other.elts = [one for one in node.elts if one is not element]
            yield "member dropped", node, ast.unparse(other)
    if isinstance(node, ast.Dict) and len(node.keys) > 1:
        for index in range(len(node.keys)):
            rest = copy.copy(node)
            rest.keys = node.keys[:index] + node.keys[index + 1 :]
            rest.values = node.values[:index] + node.values[index + 1 :]
            yield "pair dropped", node, ast.unparse(rest)


def _is_named(elements: list[ast.expr]) -> bool:
    texts = all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in elements)
    names = all(isinstance(one, ast.Name) and one.id[:1].isupper() for one in elements)
    return texts or (names and all(isinstance(one.ctx, ast.Load) for one in elements))  # type: ignore[attr-defined]


def _expression(node: ast.expr) -> str:
    """Return an expression that may stand in the place of any other."""
    return f"({ast.unparse(node)})"


def _starts_of_lines(source: bytes) -> list[int]:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _place(node: Any, starts: list[int]) -> tuple[int, int]:
    return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
