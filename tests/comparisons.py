"""Comparisons as `ppcls-lt compare` gives them, with seeded results of no training."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from ppcls_lt.data.groups import shot_groups
from ppcls_lt.data.profiles import long_tail_profile
from ppcls_lt.jobs.job import LOGITS, RESULT
from ppcls_lt.maths import scores
from ppcls_lt.maths.choice import Choice, Judgement
from ppcls_lt.runs import files as run_files
from ppcls_lt.runs import logits
from ppcls_lt.runs.results import MEASURES, Outcome, Result, ranked

RECIPES = (
    "base", "cs_ce", "cb_ce", "cb_focal", "focal", "ldam", "ldam_drw", "ce_drw", "ib", "ib_focal", "resample",
    "square_root", "progressive", "drs", "crt", "lws", "tau_norm", "weight_balancing", "mine/wide_margins.yaml",
    "../experiments/long_tail/recipes/2026-01/ldam_with_later_deferral.yaml",
)  # fmt: skip
COMMAND = "ppcls-lt compare -c digits/ce.yaml --seeds 3"


def english_in(text):
    """Runs of three or more English words in what is said in Chinese; commands and paths are none."""
    return re.findall(r"(?<![\w./-])[a-z]{2,}(?: [a-z]{2,}){2,}", re.sub(r"`[^`]*`", "", text))


def accuracies(label, predicted, groups, class_num):
    """Accuracies by measure, and by class.

    Args:
        label (array of int): right class of each image ``[N]``.
        predicted (array of int): predicted class ``[N]``.
        groups (dict): many, medium, few -> classes.
        class_num (int): number of classes C.

    Returns:
        tuple: measure -> share, and the accuracy of each class, array ``[C]``;
        NaN where there is no image.
    """
    support = np.bincount(label, minlength=class_num)
    recall = scores.recall(support, np.bincount(label[label == predicted], minlength=class_num))
    found = {"overall": float(np.mean(label == predicted)), "balanced": scores.mean(recall)}
    found.update({group: scores.mean(recall[members]) for group, members in groups.items()})
    return {measure: found[measure] for measure in MEASURES}, recall


def make_run(recipe="base", seed=0, *, validation=0.5, test=0.5, **facts):
    """A run with the same accuracy in every measure, or with those given by measure."""
    measures = ("overall", "many", "medium", "few", "balanced")
    given = {"validation": validation, "test": test}
    for name, value in given.items():
        given[name] = dict.fromkeys(measures, value) if isinstance(value, float) else dict(value)
    wanted = {"epochs": 10, "stage": 1, "best_epoch": 9, "seconds": 20.0, "recall": [0.5, 0.25, 0.75], **facts}
    return Result(recipe, seed, **given, **{"curve": [(9, 0.4), (10, 0.5)], "images": 1000, **wanted})


def finished(job, right=0.7, *, class_num=10, images=3, **facts):
    """Leave in a run's folder what its own process would have left, without a training.

    Args:
        job (Job): the run.
        right (float): share of the held-out images that it predicts right, drawn from its seed.
        class_num (int): number of classes, each with so many held-out ``images``.
        facts: fields of its result.
    """
    label = np.repeat(np.arange(class_num), images)
    draw = np.random.default_rng([job.seed, *job.recipe.encode()])
    guess = np.where(draw.random(label.size) < right, label, (label + 1) % class_num)
    found = logits.HeldOut(4.0 * np.eye(class_num)[guess], label, np.arange(label.size) + 1000 * job.seed)
    logits.write(job.folder / LOGITS, found)
    make_run(job.recipe, job.seed, **facts).write(job.folder / RESULT)


def finish(job, **facts):
    """As :func:`finished`, as what is installed here leaves it."""
    from ppcls_lt.engine import recording

    finished(job, **{"versions": recording.versions(), **facts})


def begun_by(folder, version):
    """Make of a comparison's folder one whose runs another version has begun."""
    for path in folder.glob("runs/*/seed_0"):
        begin(path / "training", version)


def begin(folder, version):
    """Leave what a training by a version leaves when it begins."""
    from ppcls_lt.engine import recording

    info = {"mode": "train", "run": "5eed", "stage": 1, "stages": 1, "started": "2026", "counts": None}
    (folder / "CIFARResNet8").mkdir(parents=True)
    versions = {**recording.versions(), "ppcls_lt": version}
    run_files.write_info(folder / "CIFARResNet8/run_info.json", {**info, "versions": versions})


def lines(path):
    """Of a label list."""
    return path.read_text().splitlines()


def choice_of(runs, rank_by="balanced", baseline="base"):
    """The choice that lies nearest to the runs' own figures, intervals of six points; None without a base."""
    if not any(run.recipe == baseline for run in runs):
        return None
    by_recipe = {}
    for run in runs:
        by_recipe.setdefault(run.recipe, []).append(run)
    scored = {
        name: {measure: float(np.mean([run.validation[measure] for run in those])) for measure in MEASURES}
        for name, those in by_recipe.items()
    }
    base = scored[baseline][rank_by]
    order = sorted(scored, key=lambda name: -np.nan_to_num(scored[name][rank_by], nan=-1))
    chance = np.exp([50 * (scored[name][rank_by] - scored[order[0]][rank_by]) for name in order])
    judgements = {
        name: Judgement(
            scores=scored[name],
            score=scored[name][rank_by],
            gain=scored[name][rank_by] - base,
            low=scored[name][rank_by] - base - (0.03 if name != baseline else 0),
            high=scored[name][rank_by] - base + (0.03 if name != baseline else 0),
            best=float(share),
            recall=np.asarray(by_recipe[name][0].recall, dtype=float),
        )
        for name, share in zip(order, chance / chance.sum())
    }
    equals = tuple(name for name in order if judgements[order[0]].score - judgements[name].score < 0.03)
    reason = "base" if order[0] == baseline else "only" if len(equals) == 1 else "highest"
    return Choice(judgements, order[0], reason, equals, (), ())


def make_outcome(
    class_num=10,
    recipes=RECIPES[:8],
    seeds=(0, 1, 2),
    *,
    images=20,
    rank_by="balanced",
    thresholds="tertiles",
    test_all=False,
    **facts,
):
    """A comparison of recipes of which each moves some accuracy from large to small classes.

    Args:
        class_num (int): number of classes.
        recipes (sequence of str): the finished ones, in the order of the request.
        seeds (sequence of int): of each of them.
        images (int): test images of each class.
        rank_by (str): the measure.
        thresholds: of the groups.
        test_all (bool): all are tested, not the chosen recipe and the base alone.
        facts: fields of ``Outcome`` besides.
    """
    counts = np.array(long_tail_profile(500, 100, class_num))
    groups = shot_groups(counts, thresholds)
    label = np.repeat(np.arange(class_num), images)
    runs = []
    for number, recipe in enumerate(recipes):
        shift = 0.0 if recipe == "base" else 0.02 + 0.03 * (number * 7 % 11)
        for seed in seeds:
            draw = np.random.default_rng([class_num, number, seed])
            rarity = 1 - np.log(counts) / np.log(counts.max())
            chance = np.clip(0.9 - 0.5 * rarity + shift * (rarity - 0.3), 0, 1)
            found = []
            for _ in range(2):
                right = draw.random(label.size) < chance[label]
                guess = np.where(right, label, (label + 1) % class_num)
                found.append(accuracies(label, guess, groups, class_num))
            (validation, _), (test, recall) = found
            steps = np.arange(1, 31)
            curve = [(int(e), float(validation[rank_by] * (1 - np.exp(-e / 8)) + draw.normal(0, 0.01))) for e in steps]
            runs.append(
                Result(
                    recipe=recipe,
                    seed=seed,
                    epochs=30,
                    stage=1,
                    best_epoch=28,
                    seconds=100 * float(draw.normal(1, 0.01)),
                    validation=validation,
                    test=test,
                    recall=recall.tolist(),
                    curve=curve,
                    images=110 if recipe in ("crt", "lws") else 100,
                )
            )
    choice = choice_of(runs, rank_by)
    if choice is not None and not test_all:
        untested = {"test": dict.fromkeys(MEASURES, float("nan")), "recall": []}
        runs = [run if run.recipe in (choice.chosen, "base") else replace(run, **untested) for run in runs]
    given = {
        "choice": choice,
        "title": "digits/ce.yaml",
        "command": COMMAND,
        "arch": "CIFARResNet8",
        "epochs": 30,
        "seeds": list(seeds),
        "rank_by": rank_by,
        "counts": counts,
        "validation_counts": np.full(class_num, 10),
        "groups": groups,
        "thresholds": thresholds,
        "class_names": {},
        "lists": {"training": ("train.txt", 1234), "validation": ("val.txt", 137), "test": ("test.txt", label.size)},
        "rows": ranked(runs, rank_by, choice=choice),
    }
    return Outcome(**{**given, **facts})


def outcome_of(runs, rank_by="few", **facts):
    """A comparison with exactly these runs."""
    seeds = sorted({run.seed for run in runs})
    choice = choice_of(runs, rank_by)
    given = {
        "rows": ranked(runs, rank_by, choice=choice),
        "choice": choice,
        "validation_counts": np.full(3, 10),
        **facts,
    }
    return make_outcome(class_num=3, recipes=(), seeds=seeds, rank_by=rank_by, **given)


def listed(config, part):
    """The label list of a data set of a configuration."""
    return Path(config["DataLoader"][part]["dataset"]["cls_label_path"])


def set_in(*keys, value):
    """Return a change of a configuration that sets a value at a place in it."""

    def change(config):
        inner = config
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change
