"""Validators with one form of message: owner, parameter, expectation, value."""

from __future__ import annotations

import difflib
import numbers
import os
from collections.abc import Collection
from typing import NoReturn

from .findings import ConfigError, Finding, cut, one_line, place

_LONGEST_NAME = 200
# So many names are all listed.
_FEW_NAMES = 8


def fail(owner: str, name: str, expected: str, got: object, remedy: str = "") -> NoReturn:
    """Raise the package's one form of error, of one :func:`finding`."""
    raise ConfigError(finding(owner, name, f"be {expected}", got, remedy))


def finding(owner: str, name: str, must: str, got: object, remedy: str = "") -> Finding:
    """Return the package's one form of a mistake.

    Args:
        owner (str): the component or section, e.g. ``LDAMLoss`` or ``Arch``.
        name (str): the parameter; empty for the component as a whole.
        must (str): what it must, e.g. "be an integer".
        got: the offending value, or a sentence about it.
        remedy (str): what to do, where ``must`` does not say it.
    """
    must, got = cut(must, 603), _short(got)
    text = f"{owner}: `{name}` must {must}, got {got}" if name else f"{owner}: must {must}, got {got}"
    return Finding(place(owner, name), must, got, remedy, one_line(f"{text}; {remedy}" if remedy else text))


def worded(text: str, owner: str, name: str, must: str, got: object) -> Finding:
    """Return a mistake that is said in other words than :func:`finding` has, those of ``text``."""
    return finding(owner, name, must, got)._replace(text=one_line(text))


def unknown(owner: str, what: str, name: object, near: str, remedy: str = "", key: str | None = None) -> Finding:
    """Return the mistake of a name that nothing knows.

    Args:
        owner (str): where it stands.
        what (str): what it should be the name of.
        name: what stands there.
        near (str): what is near it, as :func:`nearest_or_all` says it.
        remedy (str): what to do where the name is meant.
        key (str): the parameter whose value the name is; None where it is a key itself.
    """
    text = f"{owner}: unknown {what} {shown(name)}{near}"
    near = near.strip(" ()")
    return Finding(
        place(owner, str(name) if key is None else key),
        f"be a known {what}",
        shown(name),
        "; ".join(filter(None, (near, remedy))),
        one_line(f"{text}; {remedy}" if remedy else text),
    )


def number(
    owner: str,
    name: str,
    value: object,
    *,
    above: float | None = None,
    minimum: float | None = None,
    below: float | None = None,
    maximum: float | None = None,
) -> float:
    """Return ``value`` as a float if it is a finite real number within the bounds."""
    bounds = [
        text.format(limit)
        for text, limit in (("> {}", above), (">= {}", minimum), ("< {}", below), ("<= {}", maximum))
        if limit is not None
    ]
    expected = " and ".join(["a finite number" + (" " + bounds[0] if bounds else ""), *bounds[1:]])
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        fail(owner, name, expected, value)
    result = float(value)
    inside = (
        abs(result) != float("inf")
        and result == result
        and (above is None or result > above)
        and (minimum is None or result >= minimum)
        and (below is None or result < below)
        and (maximum is None or result <= maximum)
    )
    if not inside:
        fail(owner, name, expected, value)
    return result


def integer(owner: str, name: str, value: object, *, minimum: int | None = None, maximum: int | None = None) -> int:
    """Return ``value`` as an int if it is an integer within the bounds."""
    bounds = [f"{sign} {limit}" for sign, limit in ((">=", minimum), ("<=", maximum)) if limit is not None]
    expected = " and ".join(["an integer" + (f" {bounds[0]}" if bounds else ""), *bounds[1:]])
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        fail(owner, name, expected, value)
    if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):  # type: ignore[operator]  # the stubs know no order of `numbers`
        fail(owner, name, expected, value)
    return int(value)


def flag(owner: str, name: str, value: object) -> bool:
    """Return ``value`` if it is true or false."""
    if not isinstance(value, bool):
        fail(owner, name, "true or false", value)
    return value


def choice(owner: str, name: str, value: object, options: Collection[str]) -> str:
    """Return ``value`` if it is one of ``options`` (strings)."""
    if not isinstance(value, str) or value not in options:
        fail(owner, name, "one of " + ", ".join(options) + suggestion(value, options), value)
    return value


def regular_file(owner: str, name: str, path: str | os.PathLike) -> str | os.PathLike:
    """Return ``path`` if it is a file with an end: no folder, device or pipe, which may have none."""
    if not os.path.exists(path):
        fail(owner, name, "an existing path", os.fspath(path))
    if not os.path.isfile(path):
        what = "a folder" if os.path.isdir(path) else "a device or pipe"
        fail(owner, name, "a regular file", described(f"{os.fspath(path)!r}, {what}"))
    return path


def known_name(owner: str, what: str, name: object, options: Collection, key: str | None = None) -> None:
    """Raise unless ``name`` is among ``options``; the message suggests the nearest."""
    if name not in options:
        raise ConfigError(unknown(owner, what, name, nearest_or_all(name, options), key=key))


def suggestion(name: object, options: Collection) -> str:
    """Return " (did you mean 'X'?)" for the nearest of ``options``, or ""."""
    if len(str(name)) > _LONGEST_NAME:
        return ""  # comparing takes long, and nobody misspells so much
    folded = {str(option).lower(): str(option) for option in options}
    near = difflib.get_close_matches(str(name).lower(), folded, n=1, cutoff=0.6)
    return f" (did you mean {folded[near[0]]!r}?)" if near else ""


def nearest_or_all(name: object, options: Collection) -> str:
    """Return what :func:`suggestion` does; where nothing is near, " (known: X, Y)" of a few ``options``."""
    listed = "" if not 0 < len(options) <= _FEW_NAMES else f" (known: {', '.join(map(str, options))})"
    return suggestion(name, options) or listed


def _short(value):
    if isinstance(value, _Sentence):
        return value if value.whole else cut(value, 400)  # of our own words, for the most part
    return cut(f"{value!r} ({type(value).__name__})")


def shown(value: object) -> str:
    """Return the ``repr`` of a value for a message, cut where it is long."""
    return cut(repr(value))


class _Sentence(str):
    """A description that is shown as it is, without quotes and type."""

    whole = False  # whether it is long and not to be cut


def sought(path: str | os.PathLike) -> str:
    """Describe a path at which nothing was found; of a relative one with the folder in which it was sought."""
    return described(repr(str(path)) + sought_in(path))


def sought_in(path: str | os.PathLike) -> str:
    """Return ", sought in FOLDER" for a relative path, else ""."""
    return "" if os.path.isabs(path) else f", sought in {os.getcwd()}"


def unreadable(owner: str, name: str, path: str | os.PathLike, error: OSError) -> NoReturn:
    """Raise for a file that the system does not read, an ``OSError``."""
    fail(owner, name, "a file that can be read", described(f"{path}: {error.strerror}{sought_in(path)}"))


def described(text: object, whole: bool = False) -> str:
    """Mark ``text`` as a description of a value rather than the value itself; it is cut where it is not ``whole``."""
    sentence = _Sentence(text)
    sentence.whole = whole
    return sentence


def some(number: object, noun: str) -> str:
    """Return the number with its noun, in the plural where it is not one."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number} {noun if number == 1 else plural}"
