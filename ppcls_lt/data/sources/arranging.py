"""From the images of a source to lists: labels of the classes, what stays together, what trains and what tests."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ...basis import checks, patterns
from ..grouped_split import grouped_split
from .images import PARTS, Found

_SHOWN = 5


class Arranged(NamedTuple):
    """The images of a source as lists.

    Attributes:
        images (list of str): paths ``[N]``.
        labels (array of int): ``[N]``.
        names (list of str): of the classes ``[C]``.
        parts (array of str): ``train``, ``val`` or ``test`` of each image ``[N]``.
        told (list of str): sentences about what was left out, and what was taken for what.
    """

    images: list
    labels: np.ndarray
    names: list
    parts: np.ndarray
    told: list

    def counts(self, part: str) -> np.ndarray:
        """Return the images per class of a part ``[C]``."""
        return np.bincount(self.labels[self.parts == part], minlength=len(self.names))


def by_pattern(found: Found, pattern: str, owner: str) -> Found:
    """Return the images with the groups that a pattern finds in their paths.

    Args:
        found (Found): of a source.
        pattern (str): a regular expression; what it matches is the group, or its first bracket where it has one.
        owner (str): who asks, for messages.

    Raises:
        ConfigError: it is none that ends soon, or matches nothing in a path.
    """
    patterns.check(owner, "--group-pattern", pattern)
    compiled = re.compile(pattern)
    matches = [compiled.search(image) for image in found.images]
    lacking = [image for image, match in zip(found.images, matches) if not match or not match[min(compiled.groups, 1)]]
    if lacking:
        got = checks.described(f"{pattern!r}, which finds nothing in {len(lacking)} of {len(matches)}: {lacking[0]!r}")
        checks.fail(owner, "--group-pattern", "one that finds the group in the path of every image", got)
    return found._replace(groups=[match[min(compiled.groups, 1)] for match in matches])  # type: ignore[index]  # all matched


def arrange(
    found: Found,
    fractions: Mapping[str, float],
    owner: str,
    *,
    seed: int = 0,
    anew: bool = False,
    allow_missing: bool = False,
) -> Arranged:
    """Give every class a label and every image a part.

    The classes are in the order of the source where it has one, else by their names: as numbers where all are, else by
    their characters. The parts of the source stay; one that it does not have is drawn from its training images.

    Args:
        found (Found): of a source.
        fractions (dict): ``val`` and ``test`` -> their share of all images, >= 0, below 1 together.
        owner (str): who asks, for messages.
        seed (int): of the draw, >= 0.
        anew (bool): forget the parts of the source.
        allow_missing (bool): accept classes that a part has no image of.

    Raises:
        ConfigError: an image has two classes, a group is in two parts, a class would be missing in a part.
    """
    told = list(found.told)
    images, classes, groups, given = _once(found, owner, told, anew)
    names = _ordered(classes, found.names, told)
    label_of = {name: label for label, name in enumerate(names)}
    labels = np.array([label_of[name] for name in classes], dtype=np.int64)
    parts = np.array([None if anew else part for part in given], dtype=object)
    _check_apart(parts, groups, owner)
    free = np.flatnonzero([part in ("train", None) for part in parts])
    if not free.size:
        got = checks.described(f"none of {len(images)}" if len(images) else "no image that is there")
        remedy = "`--resplit` draws all parts anew" if len(images) and not anew else ""
        checks.fail(owner, "SOURCE", "one with images to train", got, remedy)
    drawn = [part for part in PARTS[1:] if fractions[part] > 0 and not (parts == part).any()]
    parts[free] = "train"
    _check_enough(labels[free], [groups[place] for place in free], names, drawn, owner, allow_missing)
    for part in reversed(drawn):  # the test images first, so that they depend on nothing else
        rest = np.flatnonzero(parts == "train")
        share = fractions[part] * free.size / rest.size
        held = grouped_split(labels[rest], [groups[place] for place in rest], fraction=share, seed=seed)
        parts[rest[held]] = part
    if not anew and any(part is not None for part in given):  # of a source without parts all lists are drawn
        told += [
            f"{part}: none in the source, {np.sum(parts == part)} images drawn from its training" for part in drawn
        ]
    arranged = Arranged(images, labels, names, parts, told)
    _check_every_class(arranged, owner, allow_missing)
    return arranged


def _once(found, owner, told, anew):
    """The images, each once, in every part where parts stay; two classes are no mistake that can be passed over."""
    places: dict = {}
    for place, (image, name, part) in enumerate(zip(found.images, found.classes, found.parts)):
        first = places.setdefault((image, None if anew else part), place)
        if found.classes[first] != name:
            got = checks.described(f"{found.classes[first]!r} and {name!r} of {image!r}")
            checks.fail(owner, "SOURCE", "one class for each image", got)
    kept = list(places.values())
    if len(kept) < len(found.images):
        told.append(f"left out, named twice: {len(found.images) - len(kept)} images")
    return [[column[place] for place in kept] for column in found[:4]]


def _ordered(classes, order, told):
    there = set(classes)
    if order is None:
        return sorted(there, key=(lambda name: (int(name), name)) if all(map(str.isdecimal, there)) else None)
    empty = [name for name in order if name not in there]
    if empty:
        shown = ", ".join(empty[:_SHOWN]) + (", ..." if len(empty) > _SHOWN else "")
        told.append(f"left out, classes without an image: {shown}; the labels behind them move up")
    return [name for name in order if name in there]


def _check_apart(parts, groups, owner):
    """No group in two parts of the source."""
    seen: dict = defaultdict(set)
    for group, part in zip(groups, parts.tolist()):
        seen[group].add(part)
    both = [group for group, members in seen.items() if len(members) > 1]
    if both:
        members = " and ".join(sorted(str(part or "no part") for part in seen[both[0]]))
        got = checks.described(f"{len(both)} in several: {both[0]!r} in {members}")
        remedy = "`--resplit` draws all parts anew"
        checks.fail(owner, "SOURCE", "a source with every group, or image, in one part", got, remedy)


def _check_enough(labels, groups, names, drawn, owner, allow_missing):
    """Every class has a group for training and one for each part that is to be drawn."""
    if allow_missing or not drawn:
        return
    pairs = Counter(label for label, _ in set(zip(labels.tolist(), groups)))
    short = [label for label, number in sorted(pairs.items()) if number <= len(drawn)]
    if short:
        what = "images" if len(set(groups)) == len(groups) else "groups"
        shown = ", ".join(f"{names[label]!r} ({pairs[label]})" for label in short[:_SHOWN])
        classes = "1 class" if len(short) == 1 else f"{len(short)} classes"
        got = checks.described(f"fewer of {classes}: {shown}{', ...' if len(short) > _SHOWN else ''}")
        expected = f"a source with {len(drawn) + 1} {what} of every class, for training, {' and '.join(drawn)}"
        remedy = "add some, draw fewer parts (`--test-fraction 0`), or pass --allow-missing"
        checks.fail(owner, "SOURCE", expected, got, remedy)


def _check_every_class(arranged, owner, allow_missing):
    """No part without an image of a class, where that is not accepted; none without a class to train."""
    for part in PARTS:
        counts = arranged.counts(part)
        empty = [arranged.names[label] for label in np.flatnonzero(counts == 0)]
        if not empty or not counts.any() and part != "train":
            continue
        shown = ", ".join(map(repr, empty[:_SHOWN])) + (", ..." if len(empty) > _SHOWN else "")
        said = f"no image of {len(empty)} of {counts.size} classes: {shown}"
        if part == "train":
            remedy = "`--resplit` draws all parts anew"
            checks.fail(owner, "SOURCE", "a source with training images of every class", checks.described(said), remedy)
        if not allow_missing:
            got = checks.described(f"{said}; what is together with others, or was given, is not divided")
            checks.fail(owner, part, "a list with images of every class (or pass --allow-missing)", got)
        arranged.told.append(f"{part}: {said}")
