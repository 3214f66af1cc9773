"""Counting the classes of a label list, beside PaddleClas building the data set of the same list."""

import os
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from ppcls_lt.data import charts
from ppcls_lt.data.counts import count_label_list

from . import timing

_CLASSES = 1000
# Lines -> rounds.
_ROUNDS = {10**5: 15, 10**6: 7, 10**7: 3}
_GOALS = {"lines a second": 2e6, "share of the data set": 0.1}


def run(quick):
    """Measure every size; PaddleClas up to a million lines."""
    import paddle

    from ppcls_lt import host

    host.load()
    sizes = (10**3, 10**4) if quick else tuple(_ROUNDS)
    results = {"paddle": paddle.__version__, "sizes": list(sizes), "counts": {}, "reads": {}, "dataset": {}}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        images = _images(folder)
        for size in sizes:
            path = folder / f"{size}.txt"
            _write(path, images, size)
            results["bytes a line"] = path.stat().st_size / size
            subjects = {"counts": partial(_count, path, size), "reads": partial(_read, path)}
            if size <= 10**6:
                dataset = {"name": "ImageNetDataset", "image_root": str(folder), "cls_label_path": str(path)}
                subjects["dataset"] = partial(host.build_dataset, dataset)
            found = timing.in_turns(subjects, 3 if quick else _ROUNDS[size], warm_up=1)
            for name, seconds in found.items():
                results[name][size] = seconds
            path.unlink()
    return results


def page(results):
    """The table, and whether the goals are met."""
    rows = []
    for size in results["sizes"]:
        counts, reads = (results[name][str(size)] for name in ("counts", "reads"))
        dataset = results["dataset"].get(str(size))
        cells = [
            timing.power_of_ten(size),
            f"{timing.median(counts) * 1000:,.0f} ms",
            f"{size / timing.median(counts) / 1e6:.1f} million",
            timing.shown(timing.ratio(counts, reads)),
            "" if dataset is None else f"{timing.median(dataset):.2f} s",
            "" if dataset is None else _share(counts, dataset),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    size = min(results["sizes"], key=lambda n: abs(n - 10**6))
    counts, dataset = results["counts"][str(size)], results["dataset"][str(size)]
    rate = size / timing.median(counts)
    share = timing.ratio(counts, dataset)["median"]
    slope = timing.exponent(results["sizes"], [timing.median(results["counts"][str(n)]) for n in results["sizes"]])
    return "\n".join(
        [
            f"A label list of {_CLASSES} classes, the k-th with 1/k of the images of the first, "
            f"`train/n01440764/n01440764_10026.JPEG 0`, {results['bytes a line']:.0f} bytes a line. "
            f"`ImageNetDataset` of PaddleClas 2.4.2 reads the same list and looks whether each image is there; the "
            f"list names {_CLASSES} files again and again, so that the system has their entries at hand, which a "
            f"first look at a million files on a disk or a network has not.",
            "",
            "| Lines | Counting | Lines a second | against only iterating over the lines | `ImageNetDataset` "
            "| counting against it |",
            "| ---: | ---: | ---: | ---: | ---: | ---: |",
            *rows,
            "",
            f"- Goal: {_GOALS['lines a second'] / 1e6:.0f} million lines a second at 10^6: "
            f"**{_met(rate >= _GOALS['lines a second'])}**, {rate / 1e6:.1f} million.",
            f"- Goal: at most {_GOALS['share of the data set']} of the data set's time: "
            f"**{_met(share <= _GOALS['share of the data set'])}**, {share:.3f}.",
            f"- Growth: lines to the power {slope:.2f}.",
            "",
            "![Time over the lines](performance/counting.png)",
            "",
            f"Measured on {timing.line(results)} Paddle {results['paddle']}; the list is in the system's page cache.",
        ]
    )


def plots(results):
    """Time over lines, with reading the file's lines as the bound."""
    figure = charts.new_figure(3.8)
    axes = figure.add_subplot()
    labels = {
        "dataset": "ImageNetDataset builds",
        "counts": "counting the classes",
        "reads": "bound: iterating over the lines",
    }
    for name, label in labels.items():
        found = {int(size): timing.median(seconds) for size, seconds in results[name].items()}
        axes.loglog(found.keys(), found.values(), "k--" if name == "reads" else "o-", label=label)
    axes.set(xlabel="lines", ylabel="seconds")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    return {"counting": charts.png(figure)}


def _images(folder):
    """One empty file for each class, under names of ImageNet's kind; their paths in the list."""
    names = []
    for label in range(_CLASSES):
        synset = f"n{1440764 + 13577 * label:08d}"
        path = folder / "train" / synset / f"{synset}_{10026 + 7 * label}.JPEG"
        path.parent.mkdir(parents=True)
        path.touch()
        names.append(os.fspath(path.relative_to(folder)))
    return names


def _write(path, images, size):
    share = 1 / np.arange(1, _CLASSES + 1)
    rng = np.random.default_rng(0)
    lines = [f"{image} {label}\n" for label, image in enumerate(images)]
    with open(path, "w") as file:
        for start in range(0, size, 10**6):
            labels = rng.choice(_CLASSES, min(10**6, size - start), p=share / share.sum())
            file.write("".join([lines[label] for label in labels.tolist()]))


def _count(path, size):
    if count_label_list(path, owner="benchmark").sum() != size:
        raise RuntimeError("lines were lost")


def _read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as lines:
        for _ in lines:
            pass


def _share(counts, dataset):
    figure = timing.ratio(counts, dataset)
    return f"{figure['median']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def _met(goal):
    return "met" if goal else "missed"
