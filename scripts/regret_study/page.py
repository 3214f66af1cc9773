"""The tables of docs/regret.md and of the Chinese page, between their marks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import budgets, tables
from .forms import DESIGN, FOLDS, FORMS, JUDGED
from .kept import Comparison
from .rules import SCORES, predictions

USUAL = 5  # folds of the package's rule
SHARES = (0.5, 0.6, 0.75)  # of the epochs, for budgets


def blocks(comparisons: list[Comparison]) -> dict[str, str]:
    """Mark -> Markdown."""
    halves = {half: [each for each in comparisons if each.form.half == half] for half in (DESIGN, JUDGED)}
    return {
        "forms": _forms(comparisons),
        "scores": "\n\n".join(_scores(halves[DESIGN], folds) for folds in sorted(FOLDS)),
        **{half: _half(each) for half, each in halves.items()},
        "budget": _budget([each for each in comparisons if USUAL in each.held]),
    }


def write(pages: list[Path], comparisons: list[Comparison]) -> None:
    """Replace the blocks of the page, of each language."""
    made = blocks(comparisons)
    for path in pages:
        text = path.read_text("utf-8")
        for name, block in made.items():
            begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
            head, rest = text.split(begin)
            text = head + begin + block + "\n" + end + rest.split(end, 1)[1]
        path.write_text(text, "utf-8")


def table(head: tuple, rows: list[tuple]) -> str:
    """A table of Markdown; numbers with two decimals."""
    lines = [head, tuple("---" if k == 0 else "---:" for k in range(len(head))), *rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in line) + " |" for line in lines)


def _cell(value):
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _forms(comparisons):
    there = {each.form.name: each for each in comparisons}
    rows = []
    for form in FORMS.values():
        found = there.get(form.name)
        counts = form.counts
        rows.append(
            (
                form.name,
                form.half,
                f"{sum(counts)}, {max(counts)} to {min(counts)} a class",
                len(form.recipes),
                "not trained yet"
                if found is None
                else f"{100 * found.accuracy.min():.1f} to {100 * found.accuracy.max():.1f}",
            )
        )
    return table(("Comparison", "For", "Training images", "Recipes", "True accuracies"), rows)


def _scores(comparisons, folds):
    comparisons = [each for each in comparisons if folds in each.held]
    if not comparisons:
        return f"{folds} folds: not trained yet."
    head = ("Score", "Mean regret", "Highest", "Of six recipes", "Rank correlation", "Two seeds", "One seed")
    title = f"{folds} folds, {', '.join(each.form.name for each in comparisons)}:"
    return title + "\n\n" + table(head, [(name, *row) for name, row in tables.design(comparisons, folds).items()])


def _half(comparisons):
    """The ways to choose, form by form, and how often the interval holds the truth."""
    comparisons = [each for each in comparisons if USUAL in each.held]
    if not comparisons:
        return "Not trained yet."
    rows, hits = [], np.zeros(3, int)
    for each in comparisons:
        found = tables.judged(each, USUAL)
        new = tables.regret(each, np.array([name == found.chosen for name in each.recipes], float))
        hits += tables.coverage(each, found)
        before = tables.today(each)
        rows.append(
            (
                each.form.name,
                f"`{found.chosen}`",
                len(found.equals),
                new,
                tables.regret(each, tables.oracle(each, USUAL)),
                None if before is None else tables.regret(each, before),
                tables.better_half(each),
                tables.regret(each, SCORES["accuracy"](predictions(each, USUAL))),
            )
        )
    columns = list(zip(*rows))[3:]
    means = [None if None in column else float(np.mean(column)) for column in columns]
    highest = [None if None in column else float(max(column)) for column in columns]
    head = ("Comparison", "Chosen", "Equals", "The rule", "Oracle", "Rule before", "Better half", "Plain accuracy")
    regrets = table(head, [*rows, ("mean", "", "", *means), ("highest", "", "", *highest)])
    above = [row[3] - row[4] for row in rows]
    goal = f"Above the oracle: {np.mean(above):.2f} in the mean, {max(above):.2f} at most; the goal is 0.3 and 1.5."
    plain, widened, number = hits
    held = f"Of {number} intervals {plain} ({_percent(plain, number)}) hold the gain that was measured."
    wider = f"Widened by the error with which it was measured, {widened} do ({_percent(widened, number)})."
    return "\n\n".join([regrets, goal, f"{held}\n{wider}"])


def _budget(comparisons):
    """What is chosen within shares of the epochs, beside what the whole comparison chooses."""
    if not comparisons:
        return "Not compared yet."
    rows = []
    for each in comparisons:
        whole = tables.judged(each, USUAL).chosen
        parts = [budgets.within(each, USUAL, share) for share in SHARES]
        cells = [cell for part in parts for cell in (f"`{part.chosen}`, {part.kept}", _regret_of(each, part.chosen))]
        rows.append((each.form.name, each.form.half, *cells, f"`{whole}`", _regret_of(each, whole)))
    regrets = list(zip(*rows))[3::2]
    summary = [
        (name, "", *(cell for column in regrets for cell in ("", float(of(column)))))
        for name, of in (("mean", np.mean), ("highest", max))
    ]
    named = [part for share in SHARES for part in (f"{share:.0%} of the epochs", "Regret")]
    whole = float(np.mean(regrets[-1]))
    above = [f"{np.mean(column) - whole:.2f} with {share:.0%}" for share, column in zip(SHARES, regrets)]
    goal = f"Above the whole comparison, in the mean: {', '.join(above)}; the goal is 0.3 with half of the epochs."
    return table(("Comparison", "For", *named, "All", "Regret"), [*rows, *summary]) + "\n\n" + goal


def _regret_of(comparison, chosen):
    return tables.regret(comparison, np.array([name == chosen for name in comparison.recipes], float))


def _percent(count, number):
    low, high = tables.binomial_interval(count, number)
    return f"{100 * count / number:.0f} %, 90 % interval {100 * low:.0f} to {100 * high:.0f}"
