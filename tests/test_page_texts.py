"""The texts of the pages: the same in every language, and each of them shown somewhere."""

import dataclasses
import json
import string

import numpy as np
import pytest

from ppcls_lt.reports.comparison import tables, terminal
from ppcls_lt.reports.comparison import texts as comparison
from ppcls_lt.reports.comparison.writing import write
from ppcls_lt.reports.run import texts as run
from ppcls_lt.reports.run.collect import collect
from ppcls_lt.reports.run.figures import paint
from ppcls_lt.reports.run.page import page
from ppcls_lt.runs import files as run_files
from ppcls_lt.runs.budgeted import Budgeted, Dropped, Trained
from ppcls_lt.runs.results import MEASURES, Accuracies
from ppcls_lt.runs.tuned import Gain, Tuned

from .comparisons import make_outcome, make_run, outcome_of
from .run_folders import PICTURES, write_run


class Asked(dict):
    """Texts that know which of them a page asked for."""

    def __init__(self, words):
        super().__init__(words)
        self._asked = set()

    def __getitem__(self, key):
        self._asked.add(key)
        return super().__getitem__(key)

    def never(self):
        """The keys that nobody asked for."""
        return self.keys() - self._asked


def gaps(words):
    """Key -> names of what is filled into the text."""
    parse = string.Formatter().parse
    return {key: sorted(name for _, name, _, _ in parse(text) if name) for key, text in words.items()}


@pytest.mark.parametrize("texts, alike", [(run, {"f1", "ece"}), (comparison, {"refit_of", "equal_mark", "rank_short"})])
def test_languages_have_the_same_texts_with_the_same_gaps(texts, alike):
    assert set(texts.TEXTS) == {"en", "zh"}
    assert gaps(texts.EN) == gaps(texts.ZH)
    assert all(text.isascii() and text for text in texts.EN.values())
    assert {key for key in texts.EN if texts.EN[key] == texts.ZH[key]} == alike


@pytest.mark.slow
def test_a_report_asks_for_every_text(tmp_path, monkeypatch):
    asked = Asked(run.EN)
    monkeypatch.setitem(run.TEXTS, "en", asked)
    names = {str(label): f"thing {label}" for label in range(130)}
    write_run(tmp_path / "many", 130, images=3, class_names=names)
    regrouped = {"Metric": {"Eval": [{"ManyMediumFewAcc": {"num_class_list": "auto", "group_by": [9, 500, 50]}}]}}
    write_run(tmp_path / "regrouped", 3, config=regrouped)
    write_run(tmp_path / "alone", 37, images=3, mode="eval", epochs=1, counts=None)
    write_run(tmp_path / "staged/stage_1", images=3, thresholds="tertiles", stage=1, stages=2)
    write_run(tmp_path / "staged/stage_2", predict=False, stage=2, stages=2)
    dataset = {"image_root": ".", "cls_label_path": "list.txt"}
    listed = {"DataLoader": {"Eval": {"dataset": dataset}}}
    write_run(tmp_path / "listed", 3, images=3, config=listed)
    (tmp_path / "listed/list.txt").write_text("".join(f"{n}.jpg {n // 3}\n" for n in range(9)))
    # All is right, which no epoch before was; the last class has no training image and the classifier is cosine's.
    counts = write_run(tmp_path / "right", 37, images=3)
    info = json.loads((tmp_path / "right/run_info.json").read_text())
    run_files.write_info(tmp_path / "right/run_info.json", {**info, "counts": [*counts[:-1].tolist(), 0]})
    found = run_files.read_predictions(tmp_path / "right/predictions.npz")
    run_files.write_predictions(tmp_path / "right/predictions.npz", found._replace(predicted=found.label))
    path = tmp_path / "right/metrics.jsonl"
    records = [{**record, "score": -record["epoch"]} for record in map(json.loads, path.read_text().splitlines())]
    for record in records:
        record["classifier"]["kind"] = "NormalizedLinear"
        del record["values"]["many"], record["per_class"]["recall"]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    # Without a classifier.
    write_run(tmp_path / "headless", images=3)
    path = tmp_path / "headless/metrics.jsonl"
    path.write_text(path.read_text().replace('"norm": [', '"norm": [1, '))
    for folder in sorted(tmp_path.iterdir()):
        parts = collect(folder)
        drawn = paint(parts[0], "en") if folder.name in ("many", "alone") else dict.fromkeys(PICTURES, b"")
        page(parts, [drawn] * len(parts), ["report"] * len(parts), "en")
    assert asked.never() == set()


@pytest.mark.slow
def test_a_comparison_asks_for_every_text(tmp_path, monkeypatch):
    asked = Asked(comparison.EN)
    monkeypatch.setitem(comparison.TEXTS, "en", asked)
    monkeypatch.setattr(tables, "EN", asked)
    dropped = (
        Dropped("drs", 3, 4, 0.4, 0.6, "ib", False),
        Dropped("drw", 2, 4, 0.5, 0.6, "ib", True),
        Dropped("crt", None, 4, None, None, None, False),
    )
    names = ["base", "ib", *(f"mine{i}" for i in range(30))]
    gain, values = Gain(0.1, 0.0, 0.2), {"Loss.Train.IBLoss.alpha": (1000.0, 300.0)}
    tuned = [Tuned("ib", "base", 6, name, 2, values, gain, [3], gain, [4]) for name in names]
    tuned += [Tuned("ib", "base", 6, "ib", 2, values, gain), Tuned("lws", "lws", 6)]
    tuned.append(Tuned("ib", "base", 6, "ib", 2, values, gain, [3]))  # a run failed
    troubles = {
        "tuned": tuned,
        "failures": [("crt", 0, "ended with status 137"), ("lws", None, "refused")],
        "missing": [("ib", 4)],
        "versions": ["Paddle 2.6.2", "Paddle 3.3.1"],
        "same": ["ce_drw"],
        "replaced": {"ib": [("Loss.Train", "CELoss", "IBLoss")]},
        "unadjusted": [("ib+tau_norm", "no classifier")],
        "final_epochs": 100,
        "budget": Budgeted({}, (Trained(2, (0,), ("base", "ib"), 4.0, dropped),)),
    }
    many = make_outcome(130, names, seeds=[0, 1], **troubles)
    unjudged = {"unjudged": tuple(range(9)), "incomplete": ("lws",)}
    write(dataclasses.replace(many, choice=dataclasses.replace(many.choice, **unjudged)), tmp_path)
    few = make_outcome(
        10, ["base", "ib"], seeds=[0], thresholds=(100, 20), validation_counts=np.full(10, 1), rank_by="medium"
    )
    write(few, tmp_path)
    write(make_outcome(10, ["base"], rank_by="overall"), tmp_path)
    write(make_outcome(10, []), tmp_path)

    def of(**values):
        """Runs of recipes with two seeds; what is better on the held-out images is worse on those of the test."""
        return [make_run(name, i, validation=v, test=1 - v) for name, v in values.items() for i in (0, 1)]

    every = [
        of(base=0.5, ib=0.6),
        of(base=0.6, ib=0.5),
        of(base=0.5, ib=0.49),
        of(base=0.5, ib=0.51),
        of(base=0.5, ib=0.9)[:3],
    ]
    every += [of(ib=0.5), of(base=0.4)]
    adjusted = {"of": "base", "method": "tau_norm", "strength": 0.5}
    every += [[*of(base=0.4), make_run("base+tau_norm", validation=0.5, test=0.5, adjustment=adjusted)]]
    for runs in every:
        terminal.text(outcome_of(runs), 60, asked)
        write(outcome_of(runs), tmp_path)
    more = [*of(base=0.5), *(make_run("ib", i, validation=0.6, images=1500) for i in (0, 1))]
    terminal.text(outcome_of(more, rank_by="many"), 60, asked)
    refit = {name: Accuracies(dict.fromkeys(MEASURES, value), []) for name, value in (("ib", 0.5), ("base", 0.6))}
    terminal.text(outcome_of(every[0], refit=refit), 60, asked)
    terminal.text(outcome_of(every[0], replaced=troubles["replaced"]), 60, asked)
    assert asked.never() == set()
