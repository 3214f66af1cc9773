"""Layers that a configuration names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

from paddle import nn

from ..basis import checks
from ..basis.patterns import check as check_pattern
from ..maths.classifier import NormalizedLinear


def check_patterns(owner: str, name: str, patterns: Any) -> list[str]:
    """Return ``patterns`` if it is a list of names or regular expressions that is not empty.

    Args:
        owner (str): the callback, for messages.
        name (str): the parameter, for messages.
        patterns (list of str): what a configuration gives.

    Raises:
        ConfigError: it is something else, or one is no regular expression or one that may take for ever.
    """
    if not isinstance(patterns, (list, tuple)) or not patterns:
        checks.fail(owner, name, "a list of names or regular expressions", patterns)
    for number, pattern in enumerate(patterns):
        check_pattern(owner, f"{name}[{number}]", pattern)
    return list(patterns)


def matches(owner: str, name: str, patterns: Iterable[str], names: Iterable[str], what: str) -> list[str]:
    """Return those of ``names`` that a pattern matches as a whole, in their order.

    Args:
        owner (str): the callback, for messages.
        name (str): the parameter, for messages.
        patterns (list of str): regular expressions.
        names (iterable of str): what there is.
        what (str): what they are, for messages.

    Raises:
        ConfigError: a pattern matches none.
    """
    names = list(names)
    found = set()
    for pattern in patterns:
        matched = [each for each in names if re.fullmatch(pattern, each)]
        if not matched:
            near = difflib.get_close_matches(pattern, names, n=3, cutoff=0)
            got = checks.described(f"{pattern!r}, which matches none; the nearest are {', '.join(near)}")
            checks.fail(owner, name, f"names of {what}", got)
        found.update(matched)
    return [each for each in names if each in found]


def check_not_normalized(owner: str, config: dict) -> None:
    """Raise if the classifier is to be normalised, where the norms of class vectors change no logit.

    Args:
        owner (str): the callback, for messages.
        config (dict): of the stage.
    """
    if config["Arch"].get("classifier") == "normalized":
        _fail_normalized(owner)


def check_norms_matter(owner: str, layer: nn.Layer) -> None:
    """Raise if a layer is a normalised classifier: the norms of its class vectors change no logit."""
    if isinstance(layer, NormalizedLinear):
        _fail_normalized(owner)


def _fail_normalized(owner):
    expected = "an ordinary classifier, whose class vectors' norms change the logits"
    remedy = (
        "leave out `classifier` or, in a recipe, the part that brings it, `normalized` or `ldam`; to train a "
        "normalized classifier anew in a second stage, take ResetClassifier, recipe `crt`"
    )
    checks.fail(owner, "Arch.classifier", expected, checks.described("normalized"), remedy)


def check_not_fixed(owner: str, config: dict) -> None:
    """Raise if the classifier is a fixed simplex, which a callback that changes or trains the classifier would spoil.

    Args:
        owner (str): the callback, for messages.
        config (dict): of the stage.
    """
    if config["Arch"].get("classifier") == "etf":
        got = checks.described("etf, whose class vectors are fixed")
        expected = "null in this stage, an ordinary classifier that can be trained and changed"
        checks.fail(owner, "Arch.classifier", expected, got)
