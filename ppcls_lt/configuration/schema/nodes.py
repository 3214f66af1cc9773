"""What a place of a configuration holds and what it may hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Callable

from ...basis import checks

if TYPE_CHECKING:
    from ...basis.findings import Finding


class Node:
    """A map of the configuration.

    Attributes:
        where (str): its place, as messages name it.
        path (str): its place, as ``-o`` names it.
        value (dict): what stands there; empty where nothing does.
        known (dict or None): key -> what is below it: a function of the value there that returns a
            ``Node`` or an ``Items``, or None where anything may stand; None in its place where every key may be.
        noun (str): what its keys are called.
        rejects (bool): whether the host fails on a key that it does not know; it drops it otherwise.
        required (tuple of str): the keys that must be given.
        complaint (Finding or None): what is wrong with the map as a whole.
        entry (bool): whether it is an item of a list, with one key, the name of what is below.
    """

    def __init__(
        self,
        where: str,
        path: str,
        value: Any,
        known: dict | None,
        *,
        noun: str = "key",
        rejects: bool = False,
        required: Sequence[str] = (),
        complaint: Finding | None = None,
        entry: bool = False,
    ) -> None:
        self.where = where
        self.path = path
        self.value = value if isinstance(value, dict) else {}
        self.known = known
        self.noun = noun
        self.rejects = rejects
        self.required = required
        self.complaint = complaint
        if complaint is None and value not in (None, False) and not isinstance(value, dict):
            expected = "have a map of parameters" if noun == "parameter" else "be a map"
            self.complaint = checks.finding(where, "", expected, checks.described(checks.shown(value)))
            self.required = ()
        self.entry = entry

    def below(self, key: Any) -> Node | Items | None:
        """What is below a known key, or None where anything may be."""
        make = None if self.known is None else self.known.get(key)
        return None if make is None else make(self.value.get(key))

    def join(self, key: Any) -> str:
        """The path of one of its keys."""
        return f"{self.path}.{key}" if self.path else str(key)


class Items:
    """A list of the configuration.

    Args:
        where (str): its place, as messages name it.
        value (list): what stands there; empty where nothing does.
        make (callable): the ``Node`` of an item, from its index and the item.
    """

    def __init__(self, where: str, value: Any, make: Callable[[int, Any], Node]) -> None:
        self.value = value if isinstance(value, list) else []
        self.complaint = None
        if value is not None and not isinstance(value, list):
            got = checks.described(type(value).__name__)
            self.complaint = checks.finding(where, "", "be a list of one-key maps", got)
        self._make = make

    def below(self, index: int) -> Node | None:
        """The ``Node`` of the item of an index, or None where there is none."""
        return self._make(index, self.value[index]) if -len(self.value) <= index < len(self.value) else None


def nodes(top: Any) -> Iterator[Node | Items]:
    """Yield ``top`` and every ``Node`` and ``Items`` below it for which the configuration has something."""
    if top is None:
        return
    yield top
    if isinstance(top, Items):
        for index in range(len(top.value)):
            yield from nodes(top.below(index))
        return
    for key, value in top.value.items():
        if value is not None or top.entry:
            yield from nodes(top.below(key))
