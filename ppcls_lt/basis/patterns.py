"""Regular expressions from a configuration, bounded: none takes longer than the names it is held against deserve.

Python's ``re`` tries every way to divide a text among repeats and alternatives. Within a repeat that
grows exponentially with the text, and with every further one in a row by a factor or a power.
"""

from __future__ import annotations

import re

from . import checks

try:
    from re import _parser  # type: ignore[attr-defined]  # Python has no public way to a pattern's parts
except ImportError:  # before Python 3.11
    import sre_parse as _parser

LONGEST = 200  # characters
# Of what stands in a row: a repeat without end counts two, an optional part and alternatives one.
_CHOICES = 8
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


class _SlowError(Exception):
    """Carries what is wrong, in words."""


def check(owner: str, name: str, pattern: object) -> None:
    """Raise unless ``pattern`` is a name or a regular expression that ends soon.

    Args:
        owner (str): the component, for messages.
        name (str): the parameter, for messages.
        pattern: what a configuration gives.

    Raises:
        ConfigError: it is no text, too long, no regular expression, repeats something that can be divided in
            several ways, or has too many repeats in a row.
    """
    expected = "a name or a regular expression"
    if not isinstance(pattern, str):
        checks.fail(owner, name, expected, pattern)
    if len(pattern) > LONGEST:
        checks.fail(owner, name, f"{expected} of at most {LONGEST} characters", pattern)
    try:
        re.compile(pattern)
        if _choices(_parser.parse(pattern)) > _CHOICES:
            raise _SlowError(f"more than {_CHOICES // 2} repeats or {_CHOICES} optional parts in a row")
    except (re.error, RecursionError, OverflowError) as error:
        checks.fail(owner, name, expected, checks.described(f"{pattern!r}: {error}"))
    except _SlowError as error:
        checks.fail(owner, name, f"{expected} without {error}, which may take for ever", pattern)


def _choices(items):
    """How many choices in a row a part of a parsed pattern leaves."""
    return sum(_choice(str(kind), content) for kind, content in items)


def _choice(kind, content):
    if kind in _REPEATS:
        least, most, inner = content
        within = _choices(inner)
        if most <= 1:
            return within + (most > least)
        if within:
            raise _SlowError("a repeat within a repeat, or alternatives of several characters within one")
        return 2 * (most > least)
    if kind == "BRANCH":
        return 1 + max(_choices(each) for each in content[1])
    if kind == "SUBPATTERN":
        return _choices(content[-1])
    if kind == "ATOMIC_GROUP":
        return _choices(content)
    if kind in ("ASSERT", "ASSERT_NOT"):
        return _choices(content[1])
    if kind == "GROUPREF_EXISTS":
        return 1 + sum(_choices(each) for each in content[1:] if each is not None)
    return 0
