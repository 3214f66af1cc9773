"""The lists to which parts add: callbacks, operators on images, operators on batches."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from . import image_size, kinds
from .combination import Part

# The callbacks of these kinds take the place of all of the configuration's; those of others stand beside them.
_WHOLE = (kinds.LOSS, kinds.SAMPLING, kinds.DEFERRAL, kinds.SECOND, None)
# Before the first of these stand image policies, behind the last of them what erases.
_NORMALISING = ("NormalizeImage", "Normalize", "ToTensor")
_LAST = ("ToCHWImage",)


def filled(path: tuple, old: Any, held: Sequence[Part], bringing: Sequence[Part], base: dict, own: bool) -> Any:
    """Return a list with what parts add to it in one stage, and without the configuration's own of their kinds.

    Args:
        path (tuple): where the list stands.
        old (list or None): what stands there.
        held (list of Part): those that hold in this stage.
        bringing (list of Part): all that bring something of this list.
        base (dict): the configuration, which tells the size of its images.
        own (bool): whether the list is that of a stage, which takes the place of that of the whole configuration.
    """
    if old is not None and not isinstance(old, list):
        return old  # malformed, which is said later
    if path == kinds.CALLBACKS:
        return _callbacks(old, held, bringing, base, own)
    entries = [entry for entry in old or [] if _kind(path, entry) not in {part.kind for part in bringing}]
    for part in held:
        at = _position(entries, part.kind) if path == kinds.TRANSFORMS else len(entries)
        entries[at:at] = _entries(path, part, base)
    return entries or None


def _callbacks(old, held, bringing, base, own):
    whole = [part for part in bringing if part.kind in _WHOLE]
    beside = [part for part in bringing if part.kind not in _WHOLE]
    entries = list(old or [])
    if whole and not own:
        entries = [entry for part in whole if part in held for entry in _entries(kinds.CALLBACKS, part, base)]
    taken = {part.kind for part in beside}
    entries = [entry for entry in entries if kinds.callback_kind(kinds.entry_name(entry)) not in taken]
    added = [entry for part in beside if part in held for entry in _entries(kinds.CALLBACKS, part, base)]
    return [*entries, *added] or None


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
