"""``CombinedLoss`` with this package's losses in the place of the host's that are given what they have not."""

from __future__ import annotations

from typing import Any, Callable

from ..basis import registry


def combine(original: Callable, combined: Any, entries: Any) -> None:
    """Stand for ``CombinedLoss.__init__``: a loss that is asked for by its further parameters is that of the package.

    Without such parameters the host builds what it always does.

    Args:
        original (callable): the host's.
        combined (nn.Layer): a ``CombinedLoss`` that has nothing yet.
        entries (list): one-key maps, a name with its parameters and ``weight``.
    """
    replaced, left = {}, []
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        ((name, params),) = entry.items() if isinstance(entry, dict) and len(entry) == 1 else ((None, None),)
        further = registry.extension("loss", name)
        if further is not None and isinstance(params, dict) and further.is_asked_for(params):
            given = dict(params)
            entry = {name: {key: given.pop(key) for key in ("weight",) if key in given}}
            replaced[index] = further.component(**given)
        left.append(entry)
    original(combined, left if replaced else entries)
    for index, loss in replaced.items():
        combined.loss_func[index] = loss
