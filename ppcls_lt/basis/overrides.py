"""What follows ``-o``: where it goes in a configuration, and its value, which is read and never run."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from . import checks

OWNER = "ppcls-lt"
# An integer of more bits than this is a mistake, or an attempt to fill the memory.
_MAX_BITS = 4096
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
# As YAML writes them, and as people write them after -o. A text, Python would take 'false' for true.
_YAML_WORDS = {"true": True, "false": False, "null": None}
_CONTAINERS = {ast.List: list, ast.Tuple: tuple, ast.Set: set}


def literal(text: str) -> Any:
    """Return the Python literal that a text is: a number, quoted text, True, False, None, lists and maps of them.

    Where a literal may have a number, it may also be computed from numbers: ``1.0/255.0``, ``[0.1 * 256 / 1024, 2]``.

    Raises:
        ValueError: it says something else. Nothing of it was run.
    """
    try:
        return _evaluated(ast.parse(text.lstrip(" \t"), mode="eval").body)
    except (SyntaxError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ValueError(f"no literal: {error}") from error


def _evaluated(node):
    if isinstance(node, ast.Constant):
        return node.value
    if type(node) in _CONTAINERS:
        return _CONTAINERS[type(node)](map(_evaluated, node.elts))
    if isinstance(node, ast.Dict) and None not in node.keys:
        return dict(zip(map(_evaluated, node.keys), map(_evaluated, node.values)))
    if isinstance(node, (ast.UnaryOp, ast.BinOp)) and type(node.op) in _OPERATORS:
        parts = (node.operand,) if isinstance(node, ast.UnaryOp) else (node.left, node.right)
        return _computed(node.op, *map(_evaluated, parts))
    raise ValueError("no literal")


def _computed(kind, *numbers):
    for number in numbers:
        if not isinstance(number, (int, float, complex)):
            raise ValueError("arithmetic of something else than numbers")
    if isinstance(kind, ast.Pow) and all(isinstance(number, int) for number in numbers):
        base, exponent = numbers
        if base.bit_length() * abs(exponent) > _MAX_BITS:
            raise ValueError("a huge power")
    result = _OPERATORS[type(kind)](*numbers)
    if isinstance(result, int) and result.bit_length() > _MAX_BITS:
        raise ValueError("a huge number")
    return result


def value(text: str) -> Any:
    """Return what a text after ``=`` stands for: a :func:`literal`, true, false or null, else the text itself."""
    try:
        return literal(text)
    except ValueError:
        return _YAML_WORDS.get(text.strip(), text)


def parsed(overrides: Iterable) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield ``(path, value)`` of each ``key.key=value``; the path is a tuple of texts.

    Only the first ``=`` separates, since paths of files may hold more of them.

    Raises:
        ConfigError: one has not this form.
    """
    for override in overrides:
        key, separator, text = str(override).partition("=")
        path = tuple(key.strip().split("."))
        if not separator or not all(path):
            checks.fail(OWNER, "-o", "of the form key=value, the keys joined by dots", override)
        yield path, value(text)


def check(overrides: Iterable) -> None:
    """Raise what :func:`parsed` raises, before anything heavy is loaded."""
    for _ in parsed(overrides):
        pass


def apply(config: dict, overrides: Iterable) -> list[tuple[tuple[str, ...], Any]]:
    """Put every override into a configuration, in order, and return ``(path, value)`` of those that were not there.

    Maps are walked by their keys, lists by an index, which may count from the end. A map that is not there is made.

    Args:
        config (dict): changed in place.
        overrides (sequence of str): ``key.key.index=value``.

    Raises:
        ConfigError: one has not this form, walks into something that is neither
            map nor list, or names an item that the list has not.
    """
    new = []
    for path, given in parsed(overrides):
        if put(config, path, given):
            new.append((path, given))
    return new


def put(config: dict, path: Sequence[str], given: Any) -> bool:
    """Put one value into a configuration at a path; return whether there was no such entry.

    Raises:
        ConfigError: see :func:`apply`.
    """
    place, is_new = config, False
    for depth, key in enumerate(path):
        _check_walkable(place, path, depth)
        if isinstance(place, list):
            key = _index(place, path, depth)
        elif key not in place:
            is_new = True
            place[key] = type(config)()
        if depth + 1 == len(path):
            place[key] = given
        place = place[key]
    return is_new


def _check_walkable(place, path, depth):
    if isinstance(place, (dict, list)):
        return
    before = ".".join(path[:depth])
    remedy = f"; to fill an empty section give all of it: -o {before}={{...}}" if place is None else ""
    got = checks.described(f"{before}, which is {str(place)[:40]!r} ({type(place).__name__}), no section{remedy}")
    checks.fail(OWNER, f"-o {'.'.join(path)}", "the path of an entry", got)


def _index(items, path, depth):
    """The position in a list that a part of a path means."""
    try:
        index = int(path[depth])
        items[index]
    except (ValueError, IndexError):
        where = ".".join(path[:depth])
        known = f"items 0 to {len(items) - 1}" if items else "no items"
        got = checks.described(f"{path[depth]!r} for the list {where}, which has {known}")
        checks.fail(OWNER, f"-o {'.'.join(path)}", "the path of an entry", got)
    return index
