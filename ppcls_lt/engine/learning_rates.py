"""A factor on whatever a learning rate schedule of the host says."""

from __future__ import annotations

from typing import Any


def scale_schedule(schedule: Any, factor: float) -> None:
    """Multiply what a learning rate schedule gives by ``factor``; its own state knows nothing of it."""
    if not isinstance(schedule, _Scaled):
        if factor == 1.0:
            return
        # The name stays: the host looks at it.
        schedule.__class__ = type(type(schedule).__name__, (_Scaled, type(schedule)), {})
    schedule._factor = factor


class _Scaled:
    """Mixed into a schedule's class by :func:`scale_schedule`."""

    # Not `factor`, which ReduceOnPlateau has.
    _factor = 1.0

    def __call__(self) -> float:
        return super().__call__() * self._factor  # type: ignore[misc]  # of the schedule that it is mixed into

    def get_lr(self):
        return super().get_lr() * self._factor

    def step(self, *args, **kwargs):
        # Some schedules go from one rate to the next: theirs must be without the factor.
        factor, self._factor = self._factor, 1.0
        super().step(*args, **kwargs)
        self._factor = factor
