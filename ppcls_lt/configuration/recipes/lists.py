"""The lists to which parts add: callbacks, operators on images, operators on batches."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from . import image_size, kinds
from .combination import Part

# Before the first of these stand image policies, behind the last of them what erases.
_NORMALISING = ("NormalizeImage", "Normalize", "ToTensor")
_LAST = ("ToCHWImage",)


def filled(path: tuple, old: Any, held: Sequence[Part], parts: Sequence[Part], base: dict, own: bool) -> Any:
    """Return a list with what parts add to it in one stage, and without the configuration's own of their kinds.

    Args:
        path (tuple): where the list stands.
        old (list or None): what stands there.
        held (list of Part): those that hold in this stage.
        parts (list of Part): all, which take the place of the configuration's own.
        base (dict): the configuration, which tells the size of its images.
        own (bool): whether the list is that of a stage, which takes the place of that of the whole configuration.
    """
    if old is not None and not isinstance(old, list):
        return old  # malformed, which is said later
    if path == kinds.CALLBACKS:
        return _callbacks(old or [], held, parts, base, own) or None
    entries = [entry for entry in old or [] if _kind(path, entry) not in {part.kind for part in parts}]
    for part in held:
        at = _position(entries, part.kind) if path == kinds.TRANSFORMS else len(entries)
        entries[at:at] = _entries(path, part, base)
    return entries or None


def beside(entries: Any) -> list:
    """Return the callbacks of a list that hold in a recipe's own stages too, as the parts of their kinds do."""
    listed = entries if isinstance(entries, list) else []
    return [entry for entry in listed if kinds.holds_in_all_stages(kinds.callback_name(entry))]


def _callbacks(old, held, parts, base, own):
    if own:
        held, parts = ([part for part in each if part.kind in kinds.BESIDE] for each in (held, parts))
    elif any(part.kind is None and kinds.CALLBACKS[0] in part.config for part in parts):
        old = []  # a user's own fragment replaces lists as a whole
    added = [entry for part in held for entry in _entries(kinds.CALLBACKS, part, base)]
    names = set(map(kinds.callback_name, added))
    taken = {kind for part in parts for kind in part.kinds}
    kept = [entry for entry in old if not _is_replaced(kinds.callback_name(entry), names, taken)]
    return [*kept, *added]


def _is_replaced(name, names, taken):
    return name in names or kinds.callback_kind(name) in taken


def _entries(path, part, base):
    return copy.deepcopy(kinds.at(image_size.fitted(part, base), path) or [])


def _kind(path, entry):
    return kinds.MIXING if path == kinds.BATCHES else kinds.operator_kind(kinds.entry_name(entry))


def _position(entries, kind):
    """Where operators of a kind belong among those on images."""
    names = [kinds.entry_name(entry) for entry in entries]
    normalising = [index for index, name in enumerate(names) if name in _NORMALISING]
    last = next((index for index, name in enumerate(names) if name in _LAST), len(names))
    if not normalising:
        return last
    return normalising[0] if kind == kinds.POLICY else normalising[-1] + 1
