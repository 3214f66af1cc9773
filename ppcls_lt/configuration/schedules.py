"""The epochs in a learning rate's schedule, which belong to the epochs of the file."""

from __future__ import annotations

_EPOCHS = ("warmup_epoch", "decay_epochs", "milestones", "step_size")


def stretch(config: dict, factor: float) -> None:
    """Multiply the epochs that the schedules of a configuration state, in place; 1 stays at least 1."""
    if factor == 1:
        return
    for lr in _sections(config.get("Optimizer")):
        for key in _EPOCHS:
            value = lr.get(key)
            if isinstance(value, list):
                lr[key] = [_stretched(each, factor) for each in value]
            elif value:
                lr[key] = _stretched(value, factor)


def _sections(optimizer):
    """The maps ``lr`` of an optimizer, or of a list of them."""
    if isinstance(optimizer, list):
        parts = [params for entry in optimizer if isinstance(entry, dict) for params in entry.values()]
    else:
        parts = [optimizer]
    return [part["lr"] for part in parts if isinstance(part, dict) and isinstance(part.get("lr"), dict)]


def _stretched(value, factor):
    return max(round(value * factor), 1) if isinstance(value, int) else value * factor
