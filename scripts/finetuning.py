"""Fine-tune one pretrained model with several recipes and seeds, test each once, and print a table with intervals.

python scripts/finetuning.py -c cifar10_lt/mobilenetv2.yaml --out output/finetuning

A call goes on where the last one was interrupted; --only takes one recipe, for several machines or an order of one's
own, and --table trains nothing. OUT/results.csv has a row for each training: the recall of every class.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import numpy as np

RECIPES = (
    *("ce", "lift_classifier", "discriminative", "lp_ft", "bitfit"),
    *("logit_adjusted", "lift_classifier+discriminative", "lift_classifier+lp_ft", "lift_classifier+bitfit"),
)
# Two-sided 95 % quantiles of Student's t by the number of seeds.
QUANTILES = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
RAREST = 3


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", "--config", required=True, help="the plain fine-tuning, the baseline")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the trainings")
    parser.add_argument("--recipes", nargs="+", default=RECIPES, metavar="RECIPE")
    parser.add_argument("--only", nargs="+", metavar="RECIPE", help="train these now")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--table", action="store_true", help="train nothing")
    parser.add_argument("-o", dest="override", action="append", default=[], help="as of ppcls-lt train")
    options = parser.parse_args(arguments)
    failed = False
    for seed in options.seeds if not options.table else ():
        for recipe in options.only or options.recipes:
            failed = not trained(options, recipe, seed) or failed
    rows = collected(options)
    if rows:
        print("\n".join(table(rows, options.recipes[0])))
    return 1 if failed else 0


def folder(options: argparse.Namespace, recipe: str, seed: int) -> Path:
    return options.out / f"{recipe}_seed_{seed}"


def trained(options: argparse.Namespace, recipe: str, seed: int) -> bool:
    """Train and test once, unless that is done; return whether it is."""
    place = folder(options, recipe, seed)
    if predictions(place):
        return True
    place.mkdir(parents=True, exist_ok=True)
    told = [word for override in options.override for word in ("-o", override)]
    train = ["train", "-c", options.config, "--recipe", recipe, "--resume", *told]
    train += ["-o", f"Global.seed={seed}", "-o", f"Global.output_dir={place}"]
    test = ["eval", "--run", str(place), "-o", f"Global.output_dir={place / 'test'}"]
    for command in (train, test):
        with open(place / f"{command[0]}_output.txt", "a", encoding="utf-8") as log:
            done = subprocess.run([sys.executable, "-m", "ppcls_lt", *command], stdout=log, stderr=subprocess.STDOUT)
        if done.returncode:
            print(f"{recipe}, seed {seed}: status {done.returncode}, see {log.name}", file=sys.stderr)
            return False
    print(f"{recipe}, seed {seed}: done", flush=True)
    return True


def predictions(place: Path) -> list[Path]:
    return sorted((place / "test").rglob("eval_predictions.npz"))


def collected(options: argparse.Namespace) -> list[dict]:
    """Write and return a row for each training that is tested: recipe, seed, recall of each class by number."""
    rows = []
    for recipe in options.recipes:
        for seed in options.seeds:
            for path in predictions(folder(options, recipe, seed)):
                found = np.load(path)
                label, right = found["label"], found["label"] == found["predicted"]
                recall = {f"recall_{c}": f"{right[label == c].mean():.6g}" for c in np.unique(label)}
                rows.append({"recipe": recipe, "seed": seed, **recall})
    if rows:
        with open(options.out / "results.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return rows


def table(rows: list[dict], base: str, rarest: int = RAREST) -> list[str]:
    """Lines of Markdown: means over the seeds, and the gain over the base seed by seed, with a 95 % interval.

    The classes are numbered from the most to the fewest images, as those of CIFAR-10-LT are.

    Args:
        rows (list of dict): recipe, seed, and ``recall_C`` of every class C.
        base (str): the recipe that others are held against.
        rarest (int): how many classes count as rare.
    """
    values: dict[str, dict[int, tuple[float, float]]] = {}
    for row in rows:
        recall = np.array([float(value) for key, value in row.items() if key.startswith("recall_")]) * 100
        values.setdefault(row["recipe"], {})[int(row["seed"])] = (recall.mean(), recall[-rarest:].mean())
    heads = ["recipe", "seeds", "overall", f"{rarest} rarest", "gain overall", f"gain, {rarest} rarest"]
    lines = [heads, ["---", *["---:"] * 5]]
    for recipe, by_seed in values.items():
        means = np.mean(list(by_seed.values()), axis=0)
        shared = sorted(set(by_seed) & set(values.get(base, {})))
        gains = np.array([np.subtract(by_seed[seed], values[base][seed]) for seed in shared])
        told = ["–", "–"] if recipe == base or not shared else [interval(column) for column in gains.T]
        lines.append([recipe, len(by_seed), *(f"{mean:.1f}" for mean in means), *told])
    return [f"| {' | '.join(map(str, line))} |" for line in lines]


def interval(gains: np.ndarray) -> str:
    """A mean with Student's interval of 95 %."""
    if len(gains) not in QUANTILES:
        return f"{gains.mean():+.1f}"
    half = QUANTILES[len(gains)] * gains.std(ddof=1) / np.sqrt(len(gains))
    return f"{gains.mean():+.1f} ({gains.mean() - half:+.1f} to {gains.mean() + half:+.1f})"


if __name__ == "__main__":
    sys.exit(main())
