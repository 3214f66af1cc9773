"""What a comparison says in words and numbers, the same in a terminal, in Markdown and on the page."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...data.group_names import TERTILES
from ...runs.results import pairs, spread
from ..parts.numbers import NONE

if TYPE_CHECKING:
    from ...runs.results import Outcome, Row

NAME = 28  # columns of a terminal for the name of a recipe
# With fewer validation images of a class, one of them is more than ten points of its accuracy.
_FEW_IMAGES = 10


def percent(pair: tuple[float, float], none: str = NONE, between: str | None = " ± ") -> str:
    """``(mean, spread)`` of a share as per cent, ``60.8 ± 1.2``; without the spread where there is none."""
    return _with_spread(pair, "{:.1f}", none, between)


def points(pair: tuple[float, float], none: str = NONE, between: str | None = " ± ") -> str:
    """``(mean, spread)`` of a difference of shares in percentage points, with its sign: ``+9.4 ± 1.2``."""
    return _with_spread(pair, "{:+.1f}", none, between)


def times(ratio: float, none: str = NONE) -> str:
    """A multiple as ``1.02x``."""
    return none if np.isnan(ratio) else f"{ratio:.2f}x"


def _with_spread(pair, form, none, between):
    # What rounds to zero has no sign.
    mean, spread = (round(100 * value, 1) + 0.0 for value in pair)
    if np.isnan(mean):
        return none
    return form.format(mean) + ("" if np.isnan(spread) or between is None else f"{between}{spread:.1f}")


def one_line(text: object) -> str:
    """Text without line ends and other characters that cannot be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def columns(text: str) -> int:
    """Columns of a terminal that a text takes: two for each wide character, none for a combining one."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shortened(text: str, width: int) -> str:
    """A text on one line in at most ``width`` columns, dots in place of its middle; its end says the most."""
    text = one_line(text)
    if columns(text) <= width:
        return text
    start, end = "", ""
    for letter in text:
        if columns(start + letter) > (width - 3) // 3:
            break
        start += letter
    for letter in reversed(text):
        if columns(start + letter + end) > width - 3:
            break
        end = letter + end
    return f"{start}...{end}"


def chosen(outcome: Outcome) -> Row | None:
    """The row of the recipe that the held-out images choose; None where nothing is finished or defined."""
    if outcome.choice is not None:
        return next((row for row in outcome.rows if row.recipe == outcome.choice.chosen), None)
    if not outcome.rows or np.isnan(outcome.rows[0].validation[outcome.rank_by][0]):
        return None
    return outcome.rows[0]


def baseline(outcome: Outcome) -> Row | None:
    """The row of the baseline, or None."""
    return next((row for row in outcome.rows if row.recipe == outcome.baseline), None)


def leading(row: Row) -> str:
    """The measure in which a gain is told first: few-shot, or the next that is defined."""
    return next((name for name in ("few", "balanced") if not np.isnan(row.gain[name][0])), "overall")


def choice(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences: which recipe was chosen, by what, and what it gains."""
    row = chosen(outcome)
    if row is None:
        return [
            words["nothing_chosen" if outcome.rows else "nothing_finished"].format(measure=_accuracy(outcome, words))
        ]
    value = percent(row.validation[outcome.rank_by])
    facts = {"recipe": one_line(row.recipe), "measure": _accuracy(outcome, words), "value": value}
    sentences = [words["chosen_only" if len(outcome.rows) == 1 else "chosen_by"].format(**facts)]
    if row is baseline(outcome):
        if len(outcome.rows) > 1:
            sentences.append(words["chosen_baseline"].format(baseline=outcome.baseline))
    elif row.gain:
        sentences.append(gain(outcome, row, words))
    sentences.append(words["choice_validation"])
    return sentences


def gain(outcome: Outcome, row: Row, words: Mapping[str, str]) -> str:
    """One sentence: what a recipe gains over the baseline on the test images."""
    first = leading(row)
    before, after = levels(outcome, row, first)
    parts = [
        words["gain_first"].format(
            measure=words[f"{first}_shot"],
            before=percent((before, np.nan)),
            after=percent((after, np.nan)),
            points=points(row.gain[first]),
        )
    ]
    for name in ("many", "balanced"):
        if name != first and not np.isnan(row.gain[name][0]):
            parts.append(words["gain_next"].format(measure=words[f"{name}_shot"], points=points(row.gain[name])))
    if not np.isnan(row.work):
        parts.append(words["gain_work"].format(times=f"{row.work:.2f}"))
    return words["gain"].format(baseline=outcome.baseline, parts=words["semicolon"].join(parts))


def same(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences, maybe none: recipes that are the base itself."""
    names = words["comma"].join(map(one_line, outcome.same))
    return [words["same"].format(recipes=names, baseline=outcome.baseline)] if names else []


def notes(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences, maybe none: :func:`same`, what adjusted candidates are, and which of them there are not."""
    found = same(outcome, words)
    if any(row.adjustment for row in outcome.rows):
        found.append(words["adjusted"])
    facts = ({"candidate": one_line(name), "reason": one_line(reason)} for name, reason in outcome.unadjusted)
    return [*found, *(words["unadjusted"].format(**each) for each in facts)]


def levels(outcome: Outcome, row: Row, measure: str) -> tuple[float, ...]:
    """Test accuracy of the baseline and of a recipe, each the mean over the seeds that both have."""
    both = pairs(row.runs, baseline(outcome).runs)  # type: ignore[union-attr]  # a gain is over a baseline
    return tuple(spread([runs[which].test[measure] for runs in both])[0] for which in (1, 0))


def cautions(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences, maybe none: why the table might mislead."""
    found = []
    row, base = chosen(outcome), baseline(outcome)
    if outcome.rows and base is None:
        found.append(words["caution_no_baseline"].format(baseline=outcome.baseline))
    if outcome.missing:
        found.append(words["caution_missing"].format(n=len(outcome.missing)))
    if outcome.failures:
        found.append(words["caution_failures"].format(n=len(outcome.failures)))
    if any(len(each.runs) != len(outcome.seeds) for each in outcome.rows):
        found.append(words["caution_seeds"].format(baseline=outcome.baseline))
    if len(outcome.versions) > 1:
        found.append(words["caution_versions"].format(versions=words["semicolon"].join(outcome.versions)))
    if outcome.rows:
        found += _few_images(outcome, words)
    if row is None or len(outcome.rows) == 1:
        return found
    if max(len(each.runs) for each in outcome.rows) == 1:
        return [*found, *_equal(row, outcome, words), words["caution_one_seed"]]
    after = outcome.rows[1]
    if base is not None and base is not row:
        found += _within(row, base, "validation", outcome, words)
        found += _within(row, base, "test", outcome, words) if row.gain else []
    if after is not base:
        found += _within(row, after, "validation", outcome, words)
    return found


def _few_images(outcome, words):
    """A caution where a class that the ranking counts has few validation images."""
    ranking = list(outcome.groups) if outcome.rank_by == "balanced" else [outcome.rank_by]
    images = {
        name: outcome.validation_counts[outcome.groups[name]] for name in ranking if len(outcome.groups.get(name, ()))
    }
    if not images:
        return []
    group = min(reversed(images), key=lambda name: images[name].min())
    least = int(images[group].min())
    if least >= _FEW_IMAGES:
        return []
    facts = {"group": words[f"{group}_shot"], "n": f"{int(images[group].sum()):,}", "least": least}
    return [words["caution_few_images"].format(**facts)]


def _equal(row, outcome, words):
    """A caution where the chosen recipe is only the first of several with the same validation accuracy."""
    value = row.validation[outcome.rank_by][0]
    others = [one_line(each.recipe) for each in outcome.rows[1:] if each.validation[outcome.rank_by][0] == value]
    if not others:
        return []
    facts = {
        "recipe": one_line(row.recipe),
        "others": words["comma"].join(others),
        "measure": _accuracy(outcome, words),
    }
    return [words["caution_equal"].format(**facts)]


def _within(row, other, images, outcome, words):
    """A caution where one recipe is not above another by more than the spread of their difference over seeds."""
    mean, spread = difference(row, other, images, outcome.rank_by)
    facts = {
        "recipe": one_line(row.recipe),
        "other": one_line(other.recipe),
        "measure": _accuracy(outcome, words),
        "images": words[f"{images}_images"],
        "points": points((mean, spread)),
    }
    if np.isnan(spread):
        return [words["caution_unpaired"].format(**facts)]
    if mean < -spread:
        return [words["caution_below"].format(**facts)]
    return [words["caution_within"].format(**facts)] if mean <= spread else []


def difference(row: Row, other: Row, images: str, measure: str) -> tuple[float, float]:
    """``(mean, spread)`` of one recipe's accuracy minus another's, over the seeds that both have."""
    both = pairs(row.runs, other.runs)
    return spread([getattr(run, images)[measure] - getattr(against, images)[measure] for run, against in both])


def _accuracy(outcome, words):
    return words["accuracy_of"].format(measure=words[f"{outcome.rank_by}_shot"])


def groups(outcome: Outcome, words: Mapping[str, str]) -> str:
    """One sentence: how the classes are grouped."""
    if outcome.thresholds == TERTILES:
        return words["groups_tertiles"]
    many, few = outcome.thresholds
    return words["groups_thresholds"].format(many=many, few=few)
