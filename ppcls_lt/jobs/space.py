"""What of a recipe is tuned, between what values, and the values that Optuna proposes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..basis import checks
from ..configuration import recipes
from ..configuration.recipes import kinds, ranges

_SEED = 0  # of the proposals; the number of a trial is added


class Space(NamedTuple):
    """What is tuned.

    Attributes:
        ranges (dict): path -> ``Range``.
        start (dict): path -> the value of the recipe as it is.
    """

    ranges: dict[str, ranges.Range]
    start: dict[str, float]

    @classmethod
    def of(cls, recipe: recipes.Recipe, whole: dict) -> Space:
        """Return what the parts of a recipe say; of an entry the part that sets it decides, else the first.

        Args:
            recipe (Recipe): what is tuned.
            whole (dict): the base with it.

        Raises:
            ConfigError: an entry is no number that can be tuned so.
        """
        found, start = {}, {}
        for part in recipe.parts:
            for path, each in part.tune.items():
                if path in found and ranges.at(part.config, path) is None:
                    continue
                holders = [other for other in recipe.parts if ranges.at(other.config, path) is not None]
                value = ranges.at(holders[0].config if holders else whole, path)
                if each.times and not holders and _decided(path, recipe):
                    continue  # a part decides it in another place, as in its first stage
                if each.times and (not ranges.is_number(value) or value <= 0):
                    continue  # the base has nothing there of which it could be a multiple
                _check(part, path, each, value)
                found[path], start[path] = each.around(value), value
        return cls(found, start)

    def distributions(self) -> dict:
        """Path -> Optuna's distribution."""
        from optuna.distributions import FloatDistribution

        found = {}
        for path, each in self.ranges.items():
            low, high = (1 - each.high, 1 - each.low) if each.scale == ranges.COMPLEMENT else (each.low, each.high)
            found[path] = FloatDistribution(low, high, log=each.scale != ranges.LINEAR)
        return found

    def params(self) -> dict[str, float]:
        """The recipe's own values as Optuna has them."""
        return {path: self._turned(path, value) for path, value in self.start.items()}

    def values(self, params: Mapping[str, float]) -> dict[str, float]:
        """What Optuna proposes as entries of a configuration, with four digits."""
        return {path: round(self._turned(path, float(f"{params[path]:.4g}")), 12) for path in self.ranges}

    def _turned(self, path, value):
        return 1 - value if self.ranges[path].scale == ranges.COMPLEMENT else value

    def content(self) -> dict[str, Any]:
        """As it is kept beside the trials."""
        return {path: {**each._asdict(), "start": self.start[path]} for path, each in self.ranges.items()}


def sampler(number: int) -> Any:
    """What proposes a trial: by its number and the trials before it alone, so that an interruption changes nothing."""
    from optuna.samplers import TPESampler

    return TPESampler(seed=_SEED + number, n_startup_trials=5)


def _decided(path, recipe):
    brought = kinds.of(ranges.fragment({path: 1.0}))
    return any(brought & part.kinds for part in recipe.parts)


def _check(part, path, each, value):
    name = f"tune.{path}"
    if not ranges.is_number(value):
        got = checks.described(f"{checks.shown(value)} there")
        checks.fail(f"recipe {part.name}", name, "an entry that the recipe or the base sets to a number", got)
    if each.scale == ranges.LOG:
        checks.number(f"recipe {part.name}", path, value, above=0)
    elif each.scale == ranges.COMPLEMENT:
        checks.number(f"recipe {part.name}", path, value, below=1)
