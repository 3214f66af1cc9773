"""What a recipe of an earlier version wrote and today's writes otherwise, for the same values."""

from __future__ import annotations

_WEIGHTED = {"weight": 1.0, "num_class_list": "auto", "reduction": "weighted_mean"}
# ``Loss.Train`` as it was and as it is: of ``cb_ce`` until 0.1.0.
_LOSSES = (
    (
        [{"FocalLoss": {**_WEIGHTED, "gamma": 0.0, "class_weight": "effective_number"}}],
        [{"ClassBalancedLoss": {**_WEIGHTED, "form": "softmax", "beta": 0.9999}}],
    ),
)


def renewed(settings: dict) -> dict:
    """Return a configuration as today's recipes write it, to compare it with another such."""
    losses = settings.get("Loss")
    for before, now in _LOSSES:
        if isinstance(losses, dict) and losses.get("Train") == before:
            return {**settings, "Loss": {**losses, "Train": now}}
    return settings
