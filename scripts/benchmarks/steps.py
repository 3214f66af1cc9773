"""Whole training steps: every recipe against stock PaddleClas with ``CELoss``, step by step in turns."""

import contextlib
import importlib.metadata
import tempfile
import textwrap
from pathlib import Path

import numpy as np

from ppcls_lt.configuration import recipes
from ppcls_lt.data import charts
from ppcls_lt.data.profiles import long_tail_profile

from . import step_pair, timing

GOAL = {"median": 0.98, "low": 0.95}
# Steps of the epoch that the goal is about: those of CIFAR-100-LT, 10,847 images in batches of 128.
STEPS = 85
# Other lengths of an epoch, for the chart.
LENGTHS = (5, 10, 20, 50, 100, 200, 500, 1000)
# Recipes that are also measured in two processes: a loss, one that needs features, a sampler.
IN_TWO = ("ldam_drw", "ib", "drs")
# The recipe that is also measured in epochs of so many steps.
IN_FULL = "ldam_drw"
WHO = ("stock", "recipe")
PARTS = {
    "steps": "training steps",
    "evaluation": "PaddleClas's evaluation, its metrics and loss included",
    "saving": "PaddleClas's saving",
    "rest": "the rest",
}


def run(quick):
    """Measure; see :func:`page` for what."""
    if quick:
        size = step_pair.Size(counts=[8, 5, 3], pixels=32, batch=8, warm_up=1, arch="MobileNetV3_small_x0_35")
        full = size._replace(counts=[20, 10, 5])
    else:
        size = step_pair.Size(long_tail(25), pixels=64, batch=8, warm_up=2)
        full = size._replace(counts=long_tail(198), warm_up=1)
    rounds, rounds_of_two = (2, 1) if quick else (20, 10)
    with images(size) as data:
        one = {name: _compared(data, name, size, rounds) for name in (("crt",) if quick else recipes.names())}
        two = {name: _compared(data, name, size, rounds_of_two, 2) for name in (IN_TWO[:1] if quick else IN_TWO)}
    with images(full) as data:
        in_full = _compared(data, IN_FULL, full, rounds)
    return {
        "versions": {name: importlib.metadata.version(name) for name in ("paddlepaddle", "paddleclas")},
        "size": {**size._asdict(), "steps": steps_of(size)},
        "one": one,
        "two": two,
        "full": {"size": {**full._asdict(), "steps": steps_of(full)}, **in_full},
    }


def long_tail(classes):
    """Images of each class, ten of the first down to one of the last."""
    return [int(n) for n in long_tail_profile(10, 10, classes)]


def steps_of(size):
    """Steps of an epoch."""
    return sum(size.counts) // size.batch


@contextlib.contextmanager
def images(size):
    """Within the context, a folder with images."""
    with tempfile.TemporaryDirectory(prefix="steps_") as folder:
        step_pair.write_images(Path(folder), size)
        yield Path(folder)


def _compared(data, name, size, rounds, processes=1):
    """Throughput of a recipe relative to stock, and medians in seconds."""
    seconds, warm_up, steps = step_pair.in_turns(data, name, size, rounds, processes), size.warm_up, steps_of(size)
    stock, ours = seconds["stock"], seconds["recipe"]
    counted = range(warm_up, warm_up + rounds)

    def ratio(turns, time):
        return timing.ratio([time(stock[turn]) for turn in turns], [time(ours[turn]) for turn in turns])

    def epoch(parts):
        return (parts["steps"] + parts["evaluation"]) * STEPS / steps + parts["saving"] + parts["rest"]

    def whole(parts):
        return parts["whole"]

    begins = start(name)
    late = [turn for turn in counted if begins is not None and turn >= int(round(begins * len(ours), 9))]
    # The turn that ends a stage also builds the next.
    built = next((turn for turn, parts in enumerate(ours) if "build" in parts), None)
    second = [] if built is None else range(built + 1, len(ours))
    summary = {
        "epoch": ratio(counted, epoch),
        "turn": ratio(counted, whole),
        "steps": ratio(counted, lambda parts: parts["steps"]),
        "late": ratio(late, epoch) if late else None,
        "second": ratio(second, epoch) if second else None,
        "medians": {
            who: {
                part: timing.median([seconds[who][turn][part] for turn in counted])
                for part in ("whole", "processor", *PARTS)
            }
            for who in WHO
        },
        "seconds": {who: [round(seconds[who][turn]["whole"], 4) for turn in counted] for who in WHO},
    }
    summary["change"] = None if built is None else ours[built]["whole"] - summary["medians"]["recipe"]["whole"]
    print(f"{name}: {timing.shown(summary['epoch'])}; as measured {timing.shown(summary['turn'])}", flush=True)
    return summary


def start(name):
    """The fraction of the run before the deferred part of a recipe, or None."""
    found = [entry for part in recipes.read(name).parts for entry in part.config.get("Callbacks", [])]
    return next((params["start"] for entry in found for params in entry.values() if "start" in (params or {})), None)


def _met(figure):
    return figure["median"] >= GOAL["median"] and figure["low"] >= GOAL["low"]


def page(results):
    """The block of docs/performance.md."""
    size, one, full = results["size"], results["one"], results["full"]
    missed = [name for name, summary in one.items() if not _met(summary["epoch"])]
    listed = ", ".join(f"`{name}`" for name in missed)
    by_turn = sum(_met(summary["turn"]) for summary in one.values())
    rounds = next(iter(one.values()))["epoch"]["rounds"]
    blocks = [
        paragraph(
            "Throughput of a training with each [recipe](recipes.md), relative to stock PaddleClas with `CELoss`; in",
            "this section above 1 is faster. The goal: a median of at least 0.98, the lower end of its interval at",
            "least 0.95.",
        ),
        paragraph(
            f"{size.get('arch', 'ResNet18')}, {len(size['counts'])} classes, {sum(size['counts'])} JPEG images of",
            f"{size['pixels']} pixels,",
            f"read and augmented by PaddleClas, batches of {size['batch']}. Stock and recipe train in a process of",
            f"their own each and take turns after every step, over the whole schedule, {rounds} epochs of each that",
            f"count. An epoch, called a turn here, is {size['steps']} steps with loader, loss and callbacks, an",
            f"evaluation of {len(size['counts'])} images and the saving of a checkpoint. The recipe is evaluated with",
            "`ManyMediumFewAcc` besides `TopkAcc`, and its run keeps what runs of this package keep. What PaddleClas",
            "2.4 needs to train with this Paddle at all is repaired in both ([versions.md](versions.md)).",
        ),
        paragraph(
            "*Turn* is the turn as it was measured, *Steps* its training steps alone. A turn has far fewer steps to",
            f"one checkpoint than a training. *Epoch* is one of {STEPS} steps, as many as CIFAR-100-LT has in batches",
            "of 128: in every round, the measured time of steps and evaluation multiplied, that of saving and of all",
            "the rest as it is. *Epochs* is the length of the training.",
        ),
        [
            "| Recipe | Epoch | Goal | Turn | Steps | Stock's turn, s | Recipe's turn, s | Epochs |",
            "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
            *(_row(name, summary, "met" if _met(summary["epoch"]) else "**missed**") for name, summary in one.items()),
        ],
        [f"- Goal: {f'**missed** by {listed}' if missed else '**met** by every recipe'}."],
        paragraph(f"Taken by the turn as it was measured, {by_turn} of {len(one)} recipes meet it."),
        paragraph(
            f"Such an epoch as it was measured: `{IN_FULL}` with {sum(full['size']['counts'])} images of",
            f"{len(full['size']['counts'])} classes, {full['size']['steps']} steps an epoch, over",
            f"{full['turn']['rounds']} epochs: throughput {timing.shown(full['turn'])}, by its steps alone",
            f"{timing.shown(full['steps'])}.",
        ),
        *_late(one),
        *_second(one),
        *_parts(one, size["steps"]),
        *_two(results["two"]),
        _footer(results),
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def paragraph(*parts):
    """A paragraph, as lines."""
    return textwrap.wrap(" ".join(parts), 125, break_long_words=False, break_on_hyphens=False)


def _row(name, summary, *more):
    ratios = [timing.shown(summary["turn"]), timing.shown(summary["steps"])]
    medians = [f"{summary['medians'][who]['whole']:.2f}" for who in WHO]
    cells = [timing.shown(summary["epoch"]), *more, *ratios, *medians, "1.1" if summary["second"] else "1"]
    return f"| `{name}` | {' | '.join(cells)} |"


def _late(one):
    """The turns after the change of a deferred recipe."""
    found = {name: summary["late"] for name, summary in one.items() if summary["late"]}
    listed = ", ".join(f"`{name}` {timing.shown(figure)}" for name, figure in found.items())
    return [paragraph(f"*Epoch* in the deferred part alone, which has fewer rounds: {listed}.")] if found else []


def _second(one):
    """What a second stage costs."""
    found = {name: summary for name, summary in one.items() if summary["change"] is not None}
    rows = []
    for name, summary in found.items():
        epoch = "has none" if summary["second"] is None else timing.shown(summary["second"])
        rows.append(f"| `{name}` | {epoch} | {summary['change']:.1f} |")
    text = paragraph(
        "For recipes of two stages, the above is the first stage. The second, with a frozen backbone, has few",
        "epochs and thus few rounds:",
    )
    head = ["| Recipe | Epoch, second stage | Between the stages, s, once |", "| --- | ---: | ---: |"]
    return [text, head + rows] if found else []


def _parts(one, steps):
    """Where the time of a turn goes, and what the length of an epoch makes of it."""
    rows = [
        f"| {words} | {' | '.join(f'{1000 * _over_all(one, who, part):.0f}' for who in WHO)} |"
        for part, words in PARTS.items()
    ]
    listed = ", ".join(f"{_at(one, length, steps):.3f} at {length}" for length in LENGTHS)
    used = [[summary["medians"][who]["processor"] for who in WHO] for summary in one.values()]
    processor = np.median([ours / stock for stock, ours in used])
    return [
        paragraph(
            "The parts of a turn in ms, medians over all recipes. *The rest* is what lies between PaddleClas's own",
            "functions: with a recipe all that this package does at the end of an epoch, above all the checkpoint's",
            "checksums, its way to the disk and the removal of the one before the last.",
        ),
        ["| Part | Stock | Recipe |", "| --- | ---: | ---: |", *rows],
        paragraph(
            f"From these medians, the throughput by steps an epoch: {listed}. In processor time, which other work on",
            f"the machine disturbs less, a recipe's turn takes {processor:.3f} times stock's (median of all recipes).",
        ),
        ["![throughput of each recipe](performance/steps.png)"],
        ["![throughput by the length of an epoch](performance/steps_length.png)"],
    ]


def _two(two):
    head = [
        "| Recipe | Epoch | Turn | Steps | Stock's turn, s | Recipe's turn, s | Epochs |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    text = paragraph("In two processes on the same cores (gloo, half a batch each, one thread each):")
    return [text, head + [_row(name, summary) for name, summary in two.items()]]


def _footer(results):
    versions, threads = results["versions"], results["size"].get("threads", 2)
    return paragraph(
        timing.line(results),
        f"Paddle {versions['paddlepaddle']}, PaddleClas {versions['paddleclas']}, {threads} threads.",
    )


def _over_all(one, who, part):
    return float(np.median([summary["medians"][who][part] for summary in one.values()]))


def _at(one, length, steps):
    """The throughput in an epoch of ``length`` steps, from the medians over all recipes."""
    seconds = []
    for who in WHO:
        parts = {part: _over_all(one, who, part) for part in PARTS}
        seconds.append((parts["steps"] + parts["evaluation"]) * length / steps + parts["saving"] + parts["rest"])
    return seconds[0] / seconds[1]


def plots(results):
    """``steps``: every recipe with its interval; ``steps_length``: by the length of an epoch."""
    one = results["one"]
    return {"steps": _intervals(one), "steps_length": _lengths(one, results["size"]["steps"])}


def _intervals(one):
    figure = charts.new_figure(height=1.2 + 0.28 * len(one))
    axes = figure.add_subplot()
    for colour, kind, shift in (("#0072B2", "epoch", -0.12), ("#E69F00", "turn", 0.12)):
        figures = [summary[kind] for summary in one.values()]
        medians = np.array([found["median"] for found in figures])
        away = np.abs(np.array([[found["low"], found["high"]] for found in figures]).T - medians)
        words = {"epoch": f"epoch of {STEPS} steps", "turn": "turn as measured"}[kind]
        axes.errorbar(medians, np.arange(len(one)) + shift, xerr=away, fmt="o", ms=4, color=colour, label=words)
    axes.axvline(GOAL["median"], color="0.4", linestyle="--", linewidth=1, label="goal of the median")
    axes.axvline(GOAL["low"], color="0.7", linestyle="--", linewidth=1, label="goal of the interval's lower end")
    axes.set(yticks=range(len(one)), yticklabels=list(one), ylim=(len(one) - 0.5, -0.5))
    axes.set_xlabel("throughput, stock PaddleClas with CELoss = 1")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return charts.png(figure)


def _lengths(one, steps):
    figure = charts.new_figure(height=3.2)
    axes = figure.add_subplot()
    axes.plot(
        LENGTHS, [_at(one, length, steps) for length in LENGTHS], "o-", ms=4, color="#0072B2", label="whole epoch"
    )
    work = [sum(_over_all(one, who, part) for part in ("steps", "evaluation")) for who in WHO]
    axes.axhline(work[0] / work[1], color="0.4", linestyle="--", linewidth=1, label="its bound: no saving")
    axes.set(xscale="log", xlabel="training steps an epoch", ylabel="throughput, stock = 1")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return charts.png(figure)
