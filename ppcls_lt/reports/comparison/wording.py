"""What a comparison says in words and numbers, the same in a terminal, in Markdown and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...basis.widths import one_line
from ...data import class_names
from ...data.group_names import TERTILES
from ..parts.numbers import NONE
from . import reasons

if TYPE_CHECKING:
    from ...maths.choice import Judgement
    from ...runs.results import Outcome, Row

NAME = 28  # columns of a terminal for the name of a recipe
# With fewer validation images of a class, one of them is more than ten points of its accuracy.
_FEW_IMAGES = 10
_TOLD = 5  # names in a sentence; of more their number


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


def chosen(outcome: Outcome) -> Row | None:
    """The row of the candidate that the held-out images choose; None before the base has a finished run."""
    if outcome.choice is None:
        return None
    return next((row for row in outcome.rows if row.recipe == outcome.choice.chosen), None)


def baseline(outcome: Outcome) -> Row | None:
    """The row of the baseline, or None."""
    return next((row for row in outcome.rows if row.recipe == outcome.baseline), None)


def answer(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences: what to take, what it gains, how sure that is, what it costs, and which others are as good."""
    found, row = outcome.choice, chosen(outcome)
    if found is None or row is None:
        return [words["nothing_chosen" if outcome.rows else "nothing_finished"].format(baseline=outcome.baseline)]
    sentences = _taken(outcome, row, words)
    total = len(found.judgements)
    if total == 1:
        return sentences
    facts = {"n": total, "best": chance(found.judgements[row.recipe].best)}
    sentences.append(words["answer_best"].format(**facts))
    others = [one_line(name) for name in found.equals if name != row.recipe]
    if not others:
        return [*sentences, words["answer_only"]]
    told = words["comma"].join(others[:_TOLD])
    more = words["and_more"].format(n=len(others) - _TOLD) if len(others) > _TOLD else ""
    reason = words[f"reason_{found.reason}"].format(measure=accuracy(outcome, words), baseline=outcome.baseline)
    return [*sentences, words["answer_equals"].format(others=told + more, reason=reason)]


def _taken(outcome, row, words):
    """What is taken, and what it gains and costs."""
    judgements = outcome.choice.judgements
    mine, base = judgements[row.recipe], judgements[outcome.baseline]
    facts = {
        "recipe": one_line(row.recipe),
        "baseline": outcome.baseline,
        "measure": accuracy(outcome, words),
        "after": percent((mine.scores[outcome.rank_by], np.nan)),
        "before": percent((base.scores[outcome.rank_by], np.nan)),
        "points": points((mine.gain, np.nan)),
        "interval": interval(mine, words),
        "n": len(judgements) - 1,
    }
    if row.recipe == outcome.baseline:
        return [words["answer_base" if len(judgements) > 1 else "answer_alone"].format(**facts)]
    sentences = [
        words["answer"].format(**facts),
        words["answer_sure" if mine.low > 0 else "answer_unsure"].format(**facts),
    ]
    parts = [
        words[f"answer_{name}"].format(points=points((mine.scores[name] - base.scores[name], np.nan)))
        for name in ("few", "many")
        if name != outcome.rank_by and not np.isnan(mine.scores[name])
    ]
    if parts:
        sentences.append(words["answer_groups"].format(parts=words["semicolon"].join(parts)))
    if not np.isnan(row.work):
        ratio = f"{row.work:.2f}"
        key = "answer_work_same" if ratio == "1.00" else "answer_work"
        sentences.append(words[key].format(times=ratio, baseline=outcome.baseline))
    return sentences


def interval(judgement: Judgement, words: Mapping[str, str]) -> str:
    """The interval of a gain in points, ``+1.2 to +9.0``."""
    low, high = (points((value, np.nan)) for value in (judgement.low, judgement.high))
    return words["interval"].format(low=low, high=high)


def chance(probability: float) -> str:
    """A probability in per cent: ``38``, and what rounds to none or all of it as a bound."""
    return "< 1" if 0 < probability < 0.005 else "> 99" if 0.995 < probability < 1 else f"{100 * probability:.0f}"


def tested(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences, maybe none: what the test images say of the chosen candidate and of the base."""
    row, base = chosen(outcome), baseline(outcome)
    found = []
    if row is not None and base is not None and row.tested and base.tested:
        facts = {"measure": accuracy(outcome, words), "baseline": outcome.baseline, "recipe": one_line(row.recipe)}
        before, after = (percent(each.test[outcome.rank_by]) for each in (base, row))
        gain = points(row.gain[outcome.rank_by]) if row.gain else NONE
        key = "tested_base" if row is base else "tested"
        found.append(words[key].format(**facts, before=before, after=after, points=gain))
    if outcome.refit:
        parts = [
            words["refit_of"].format(recipe=one_line(name), value=percent((accuracies.test[outcome.rank_by], np.nan)))
            for name, accuracies in outcome.refit.items()
        ]
        found.append(words["refit"].format(measure=accuracy(outcome, words), parts=words["semicolon"].join(parts)))
    return found


def same(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences, maybe none: recipes that are the base itself."""
    names = words["comma"].join(map(one_line, outcome.same))
    return [words["same"].format(recipes=names, baseline=outcome.baseline)] if names else []


def notes(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences, maybe none: :func:`same`, what adjusted candidates are, and which of them there are not."""
    found = same(outcome, words)
    if any(row.adjustment for row in outcome.rows):
        found.append(words["adjusted"])
    facts = (
        {"candidate": one_line(name), "reason": reasons.said(one_line(reason), words["html_lang"])}
        for name, reason in outcome.unadjusted
    )
    return [*found, *(words["unadjusted"].format(**each) for each in facts)]


def cautions(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences, maybe none: why the answer might mislead."""
    found = []
    row, base = chosen(outcome), baseline(outcome)
    if outcome.missing:
        found.append(words["caution_missing"].format(n=len(outcome.missing)))
    if outcome.failures:
        found.append(words["caution_failures"].format(n=len(outcome.failures)))
    incomplete = _incomplete(outcome)
    if incomplete:
        names = words["comma"].join(map(one_line, incomplete))
        found.append(words["caution_incomplete"].format(recipes=names, baseline=outcome.baseline))
    if len(outcome.versions) > 1:
        found.append(words["caution_versions"].format(versions=words["semicolon"].join(outcome.versions)))
    if outcome.choice is not None:
        found += [*_unjudged(outcome, words), *_few_images(outcome, words)]
        if len(outcome.seeds) == 1 and len(outcome.choice.judgements) > 1:
            found.append(words["caution_one_seed"])
    for each in outcome.tuned:
        if row is not None and each.name == row.trained:
            found.append(words["caution_tuned"].format(recipe=one_line(each.name), n=each.trials))
    if outcome.choice is not None and outcome.final_epochs not in (None, outcome.epochs):
        found.append(words["caution_epochs"].format(epochs=outcome.epochs, final=outcome.final_epochs))
    if row is not None and row is not base:
        facts = {"recipe": one_line(row.recipe), "other": outcome.baseline, "measure": accuracy(outcome, words)}
        if row.gain and row.gain[outcome.rank_by][0] < 0:
            found.append(words["caution_below"].format(**facts, points=points(row.gain[outcome.rank_by])))
        gain = _refit_gain(outcome, row)
        if gain < 0:
            found.append(words["caution_refit_below"].format(**facts, points=points((gain, np.nan))))
    return found


def _refit_gain(outcome, row):
    """What the chosen candidate gains on the test images, trained on the whole list like the base; NaN where not."""
    before, after = (outcome.refit.get(name) for name in (outcome.baseline, row.recipe))
    return after.test[outcome.rank_by] - before.test[outcome.rank_by] if before and after else np.nan


def _incomplete(outcome):
    """Candidates that lack a seed, those left out that a budget dropped, which is told elsewhere."""
    recipes = {row.recipe: row.trained for row in outcome.rows}
    dropped = {each.recipe for _, each in outcome.budget.dropped} if outcome.budget is not None else set()
    names = () if outcome.choice is None else outcome.choice.incomplete
    return [name for name in names if recipes.get(name, name) not in dropped]


def _unjudged(outcome, words):
    """A caution where classes have no held-out image."""
    found = outcome.choice.unjudged
    return [words["caution_unjudged"].format(classes=classes(outcome, found, words))] if found else []


def classes(outcome: Outcome, labels: Sequence[int], words: Mapping[str, str]) -> str:
    """The names of classes in a sentence; of many the first, and how many more."""
    told = words["comma"].join(class_name(outcome, each) for each in labels[:_TOLD])
    return told + (words["and_more"].format(n=len(labels) - _TOLD) if len(labels) > _TOLD else "")


def class_name(outcome: Outcome, label: int) -> str:
    """The name of a class where the base tells it, with its number where others are called so, else the number."""
    return one_line(class_names.called(outcome.class_names)(label))


def _few_images(outcome, words):
    """A caution where a class that the ranking counts has few validation images."""
    ranking = list(outcome.groups) if outcome.rank_by == "balanced" else [outcome.rank_by]
    held_out = {name: outcome.validation_counts[outcome.groups.get(name, [])] for name in ranking}
    images = {name: counts[counts > 0] for name, counts in held_out.items() if counts.any()}  # of others that is said
    if not images:
        return []
    group = min(reversed(images), key=lambda name: images[name].min())
    least = int(images[group].min())
    if least >= _FEW_IMAGES:
        return []
    facts = {"group": words[f"{group}_shot"], "n": f"{int(images[group].sum()):,}", "least": least}
    return [words["caution_few_images"].format(**facts)]


def accuracy(outcome: Outcome, words: Mapping[str, str]) -> str:
    """What the comparison ranks by: ``balanced accuracy``."""
    return words["accuracy_of"].format(measure=words[f"{outcome.rank_by}_shot"])


def groups(outcome: Outcome, words: Mapping[str, str]) -> str:
    """One sentence: how the classes are grouped."""
    if outcome.thresholds == TERTILES:
        return words["groups_tertiles"]
    many, few = outcome.thresholds
    return words["groups_thresholds"].format(many=many, few=few)
