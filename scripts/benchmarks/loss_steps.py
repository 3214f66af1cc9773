"""Whole training steps of ResNet-18 with each loss, and with sharpness-aware steps, against stock PaddleClas."""

import importlib.metadata

from . import step_pair, steps, timing

# What is measured, each by the recipe that brings it alone: the loss holds from the first step.
RECIPES = (
    "cs_ce",
    "cb_ce",
    "cb_sigmoid",
    "cb_sigmoid_focal",
    "focal",
    "ldam",
    "logit_adjusted",
    "balanced_softmax",
    "vs",
    "cdt",
    "equalization",
    "seesaw",
    "lade",
    "label_aware_smoothing",
    "balanced_bce",
    "ib",
    "ib_focal",
    "sam",
)
# As a multiple of a stock step.
GOAL, GOAL_OF_SAM = 1.02, 2.05
# Steps before a run comes to the loss do not count: the IB losses replace cross entropy at a fraction of the training.
LATE = ("ib", "ib_focal")


def run(quick):
    """Measure; see :func:`page` for what."""
    if quick:
        size = step_pair.Size([8, 5, 3], pixels=32, batch=8, warm_up=1, arch="MobileNetV3_small_x0_35", threads=1)
    else:
        size = step_pair.Size(steps.long_tail(25), pixels=64, batch=8, warm_up=1, threads=1)
    rounds = 2 if quick else 16
    with steps.images(size) as data:
        found = {name: _times(data, name, size, rounds) for name in (("vs",) if quick else RECIPES)}
    return {
        "versions": {name: importlib.metadata.version(name) for name in ("paddlepaddle", "paddleclas")},
        "size": {**size._asdict(), "steps": steps.steps_of(size)},
        "steps": found,
    }


def _times(data, name, size, rounds):
    """A step's time as a multiple of stock's, epoch by epoch, and the medians in milliseconds."""
    seconds = step_pair.in_turns(data, name, size, rounds)
    first = size.warm_up if name not in LATE else steps.start(name) * (size.warm_up + rounds + 1)
    # The last epoch is that at which a stage would end.
    turns = range(int(-(-first // 1)), size.warm_up + rounds)
    times = {who: [seconds[who][turn]["steps"] / steps.steps_of(size) for turn in turns] for who in steps.WHO}
    figure = timing.ratio(times["recipe"], times["stock"])
    print(f"{name}: {timing.shown(figure)}", flush=True)
    return {"ratio": figure, "milliseconds": {who: 1000 * timing.median(times[who]) for who in steps.WHO}}


def plots(results):
    """None."""
    return {}


def page(results):
    """The block of docs/performance.md."""
    size, found = results["size"], results["steps"]
    missed = [name for name, each in found.items() if each["ratio"]["median"] > _goal(name)]
    rows = [
        f"| `{name}` | {timing.shown(each['ratio'])} | {each['milliseconds']['stock']:.1f} ms "
        f"| {each['milliseconds']['recipe']:.1f} ms | {'met' if name not in missed else '**missed**'} |"
        for name, each in found.items()
    ]
    listed = ", ".join(f"`{name}`" for name in missed)
    blocks = [
        steps.paragraph(
            "A whole step, loader and optimizer included, with each loss of this package as a multiple of one of",
            "stock PaddleClas with `CELoss`; `sam` has two forward and backward passes.",
            f"{size['arch']}, {len(size['counts'])} classes, images of {size['pixels']} pixels, batches of",
            f"{size['batch']}, one thread; both trainings take turns after every step. The goal: at most {GOAL} by the",
            f"median, `sam` at most {GOAL_OF_SAM}. Small batches of small images are the hard case: the larger the",
            "network and its images, the less of a step is the loss.",
        ),
        ["| Recipe | Step | Stock | Recipe | Goal |", "| --- | --- | ---: | ---: | --- |", *rows],
        [f"- Goal: {f'**missed** by {listed}' if missed else '**met** by all'}."],
        [
            timing.line(results),
            "Paddle {paddlepaddle}, PaddleClas {paddleclas}.".format(**results["versions"]),
        ],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _goal(name):
    return GOAL_OF_SAM if name == "sam" else GOAL
