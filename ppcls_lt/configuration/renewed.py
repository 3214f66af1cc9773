"""What a recipe of an earlier version wrote and today's writes otherwise, for the same values."""

from __future__ import annotations

from typing import Any

_FOCAL = {"weight": 1.0, "gamma": 0.0, "reduction": "weighted_mean"}
_COUNTED = {"num_class_list": "auto", "class_weight": "effective_number"}
# ``Loss.Train`` as it was until 0.1.0, and as it is.
_OF_CB_CE = (
    [{"FocalLoss": {**_FOCAL, **_COUNTED}}],
    [
        {
            "ClassBalancedLoss": {
                **{"weight": 1.0, "form": "softmax", "num_class_list": "auto"},
                **{"beta": 0.9999, "reduction": "weighted_mean"},
            }
        }
    ],
)
_OF_CE_DRW = ([{"FocalLoss": _FOCAL}], [{"CELoss": {"weight": 1.0, "class_weight": "none"}}])
_LOSSES = (_OF_CB_CE, _OF_CE_DRW)


def renewed(settings: Any) -> Any:
    """Return a configuration, or one of its ``Stages``, as today's recipes write it, to be compared with another."""
    if not isinstance(settings, dict):
        return settings
    losses = settings.get("Loss")
    for before, now in _LOSSES:
        if isinstance(losses, dict) and losses.get("Train") == before:
            settings = {**settings, "Loss": {**losses, "Train": now}}
    if isinstance(settings.get("Stages"), list):
        settings = {**settings, "Stages": [renewed(stage) for stage in settings["Stages"]]}
    return settings
