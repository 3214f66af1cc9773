"""Plain cross entropy beside one long-tail recipe, on real data made long-tailed, on the CPU.

Writes the data, trains and evaluates both with PaddleClas and prints overall,
many-, medium- and few-shot and per-class accuracy. Everything is fixed
beforehand; the test images are read once, after training. ``--seeds 0 1 2``
repeats it and adds the mean and the spread of the gains.
"""

import argparse
import contextlib
import shutil
import statistics
import sys
import time
import warnings
from pathlib import Path

# Paddle's advice for compiling operators, which nobody does here.
warnings.filterwarnings("ignore", message="No ccache found")

from ppcls_lt import ConfigError  # noqa: E402
from ppcls_lt.configuration import reading as config  # noqa: E402
from ppcls_lt.data import demo as demo_data  # noqa: E402
from ppcls_lt.engine import trainer  # noqa: E402
from ppcls_lt.runs import checkpoints  # noqa: E402

# Short enough for a first look: the configs' own 30 epochs of Fashion-MNIST take a quarter of an hour each.
_SHORT = ["Global.epochs=3", "Optimizer.lr.decay_epochs=[2,3]", "Optimizer.lr.warmup_epoch=1"]
_DATA = {
    "digits": ("digits", "data/digits", []),
    "fashion-mnist": ("fashion_mnist_lt", "data/fashion_mnist_lt", _SHORT),
}
_RECIPES = {"cross entropy": "ce.yaml", "LDAM": "ldam.yaml"}


def run(configs, recipe, overrides, seed, output):
    """Train and evaluate one recipe; return its ``ManyMediumFewAcc`` metric."""
    path = config.find(f"{configs}/{recipe}")
    folder = output / f"{Path(recipe).stem}_seed{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    overrides = [*overrides, f"Global.seed={seed}", f"Global.output_dir={folder}"]
    trainer.run_engine("train", path, overrides)
    weights = checkpoints.find(folder, "CIFARResNet8", checkpoints.LATEST)
    engine = trainer.run_engine("eval", path, [*overrides, f"Global.pretrained_model={weights}"])
    return engine.metrics[1]


def table(counts, metrics):
    """The comparison as text: groups first, then classes from most to fewest images."""
    names = list(metrics)
    values = {name: metric.values() for name, metric in metrics.items()}
    recalls = {name: metric.per_class() for name, metric in metrics.items()}
    groups = next(iter(metrics.values())).groups
    rows = [("overall", sum(counts), *(values[name]["overall"] for name in names))]
    rows += [
        (f"{group}-shot ({len(members)} classes)", sum(counts[c] for c in members), *(values[n][group] for n in names))
        for group, members in groups.items()
    ]
    order = sorted(range(len(counts)), key=lambda c: -counts[c])
    rows += [(f"class {c}", counts[c], *(recalls[name][c] for name in names)) for c in order]
    lines = [f"{'accuracy, %':<22}{'train images':>13}" + "".join(f"{name:>15}" for name in names) + f"{'gain':>8}"]
    for title, images, *accuracies in rows:
        cells = "".join(f"{100 * accuracy:>15.1f}" for accuracy in accuracies)
        lines.append(f"{title:<22}{images:>13}{cells}{100 * (accuracies[-1] - accuracies[0]):>+8.1f}")
    return "\n".join(lines)


def main():
    """Run the comparison; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=_DATA, default="digits")
    parser.add_argument("--source", help="folder with the four Fashion-MNIST files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the training, 0 by default")
    parser.add_argument("--epochs", type=int, help="of each training, instead of the configuration's: for a first look")
    arguments = parser.parse_args()
    if arguments.source is not None and arguments.data == "digits":
        parser.error("--source is of the data of Fashion-MNIST alone")
    configs, folder, overrides = _DATA[arguments.data]
    if arguments.epochs is not None:
        overrides = [*overrides, f"Global.epochs={arguments.epochs}"]
    output = Path("output/quickstart") / configs
    output.mkdir(parents=True, exist_ok=True)
    try:
        if arguments.data == "digits":
            counts = demo_data.write_digits(folder)["train"]
        else:
            source = {} if arguments.source is None else {"source": arguments.source}
            counts = demo_data.write_fashion_mnist(folder, **source)["train"]
    except ConfigError as error:
        print(f"quickstart: error: {error}", file=sys.stderr)
        return 2
    print(f"{arguments.data}, made long-tailed: {counts} training images per class, in {folder}", flush=True)

    gains = []
    # One log for all, since PaddleClas's logger keeps the first stream it is given.
    with (output / "quickstart.log").open("w") as log:
        for seed in arguments.seeds:
            metrics = {}
            for name, recipe in _RECIPES.items():
                print(f"training and evaluating {name}, seed {seed} ...", end=" ", flush=True)
                begin = time.perf_counter()
                with contextlib.redirect_stdout(log):
                    metrics[name] = run(configs, recipe, overrides, seed, output)
                print(f"{time.perf_counter() - begin:.0f} s", flush=True)
            print("\n" + table(counts, metrics) + "\n", flush=True)
            first, second = (metric.values() for metric in metrics.values())
            gains.append({key: 100 * (second[key] - first[key]) for key in first})
    if len(gains) > 1:
        print(f"gain over {len(gains)} seeds, percentage points: mean, standard deviation, each")
        for key in gains[0]:
            each = [gain[key] for gain in gains]
            listed = ", ".join(f"{value:+.1f}" for value in each)
            print(f"{key:<10}{statistics.mean(each):>+7.1f}{statistics.stdev(each):>7.1f}   {listed}")
    print(f"log: {output / 'quickstart.log'}; use one of these recipes on your own data: README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
