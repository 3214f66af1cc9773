"""The batch sampler, beside one over PyTorch's multinomial with a weight for each image."""

import concurrent.futures
import copy
import gc
import importlib.util
import multiprocessing
from array import array
from functools import partial

import numpy as np

from ppcls_lt.data import charts

from . import timing

_CLASSES = 1000
_BATCH = 64
# Images -> rounds. PyTorch is measured up to the first limit, lists up to the second, above it an array.
_ROUNDS = {10**5: 31, 10**6: 15, 10**7: 5, 10**8: 1}
_TORCH_LIMIT, _LIST_LIMIT = 10**6, 10**7
_CONTAINERS = {"int": "list of Python integers", "int64": "list of NumPy integers", "array": "NumPy array"}
_STEPS = {"build": "build", "first": "first epoch", "both": "build and first epoch", "later": "later epoch"}
# How the weights for PyTorch are built.
_WAYS = {
    "package": "as in the package",
    "authors": "as in the authors' code",
    "lean": "no call for each image",
    "numpy": "by NumPy, no loop",
}
_GOALS = {"build": 20, "later": 5}


class Dataset:
    """What a sampler needs of a data set."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)


def run(quick):
    """Time every size and container; the memory of each sampler in a process of its own."""
    import paddle

    rounds = {10**3: 3, 10**4: 3} if quick else _ROUNDS
    with_torch = importlib.util.find_spec("torch") is not None
    results = {"paddle": paddle.__version__, "torch": None, "sizes": list(rounds), "seconds": {}}
    if with_torch:
        import torch

        results.update(torch=torch.__version__, threads=torch.get_num_threads())
    for size, turns in rounds.items():
        for container in _CONTAINERS if size <= _LIST_LIMIT else ("array",):
            dataset = Dataset(make_labels(size, container))
            subjects = _ours(dataset)
            if container != "array":
                subjects["convert"] = partial(array, "I", dataset.labels)
                if with_torch and size <= _TORCH_LIMIT:
                    subjects.update(_theirs(dataset))
            found = timing.in_turns(subjects, turns, warm_up=0 if turns == 1 else 1)
            results["seconds"].setdefault(container, {})[size] = found
            del dataset, subjects
            gc.collect()
    kinds = ["ours", "theirs"] if with_torch else ["ours"]
    results["memory"] = {
        kind: {
            size: _in_own_process(peak_memory, kind, size)
            for size in rounds
            if size >= min(10**6, max(rounds)) and (kind == "ours" or size <= _TORCH_LIMIT)
        }
        for kind in kinds
    }
    return results


def make_labels(size, container):
    """Labels of ``size`` images, the k-th class with 1/k of the images of the first."""
    share = 1 / np.arange(1, _CLASSES + 1)
    rng = np.random.default_rng(0)
    labels = np.empty(size, np.uint16)
    for start in range(0, size, 10**6):
        part = labels[start : start + 10**6]
        part[:] = rng.choice(_CLASSES, part.size, p=share / share.sum())
    if container == "array":
        return labels
    # PaddleClas makes a NumPy integer of every line.
    return labels.tolist() if container == "int" else list(map(np.int64, labels.tolist()))


def peak_memory(kind, size):
    """Bytes by which this process grows at most, from its labels to the end of an epoch."""
    dataset = Dataset(make_labels(size, "array" if size > _LIST_LIMIT else "int64"))
    subject = _ours(Dataset([0] * _BATCH)) if kind == "ours" else _theirs(Dataset([0] * _BATCH))
    subject["both" if kind == "ours" else "both, package"]()  # whatever is imported or made once
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak is now what is in use
    before = _status("VmRSS")
    if kind == "ours":
        _epoch(_build(dataset))
    else:
        _epoch(_per_image(_package, dataset))
    return _status("VmHWM") - before


def page(results):
    """The tables, and whether the goals are met."""
    return "\n\n".join([*_own_page(results), *_torch_page(results), _footer(results)])


def plots(results):
    """Time over images, with what holds it."""
    figure = charts.new_figure(4.2, 9)
    build, epoch = figure.subplots(1, 2, sharey=True)
    lists, arrays = (results["seconds"][name] for name in ("int64", "array"))
    for axes, lines in (
        (
            build,
            {
                "per-image weights, as in the package": (lists, "build, package", "s-"),
                "ours, list of NumPy integers": (lists, "build", "o-"),
                "ours, NumPy array": (arrays, "build", "o-"),
                "bound: reading the list as integers": (lists, "convert", "k--"),
            },
        ),
        (
            epoch,
            {
                "torch.multinomial": (lists, "epoch, theirs", "s-"),
                "ours, first epoch": (arrays, "first", "o-"),
                "ours, later epoch": (arrays, "later", "o-"),
                "bound: making the batches' lists": (arrays, "batches", "k--"),
            },
        ),
    ):
        for label, (found, name, style) in lines.items():
            points = {int(size): timing.median(times[name]) for size, times in found.items() if name in times}
            if points:
                axes.loglog(points.keys(), points.values(), style, label=label)
        axes.set(xlabel="images")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
    build.set(ylabel="seconds", title="build")
    epoch.set(title="one epoch, as lists of 64")
    return {"samplers": charts.png(figure)}


def _ours(dataset):
    """The steps of this package's sampler, each from where the one before has left it."""
    built = _build(dataset)
    used = copy.copy(built)
    images = used.draw(0)

    def batches():
        for start in range(0, len(images), _BATCH):
            images[start : start + _BATCH].tolist()

    return {
        "build": partial(_build, dataset),
        "first": lambda: _epoch(copy.copy(built)),
        "both": lambda: _epoch(_build(dataset)),
        "later": partial(_epoch, used),
        "batches": batches,
    }


def _build(dataset):
    from ppcls_lt.samplers.weight_balanced import WeightBalancedSampler

    return WeightBalancedSampler(dataset, batch_size=_BATCH)


def _epoch(sampler):
    for _ in sampler:
        pass


def _theirs(dataset):
    """The same of a sampler over ``torch.multinomial``, for each way to build its weights."""
    ways = {"package": _package, "authors": _authors, "lean": _lean, "numpy": _by_numpy}
    subjects = {}
    for way, weights in ways.items():
        subjects[f"build, {way}"] = partial(_per_image, weights, dataset)
        subjects[f"both, {way}"] = lambda weights=weights: _epoch(_per_image(weights, dataset))
    return {**subjects, "epoch, theirs": partial(_epoch, _per_image(_lean, dataset))}


def _per_image(weights, dataset):
    from torch.utils.data import BatchSampler, WeightedRandomSampler

    return BatchSampler(WeightedRandomSampler(weights(dataset), len(dataset)), _BATCH, drop_last=False)


class _OneByOne:
    """Looks up each image's label with a method call, once to count and once to weigh."""

    def __init__(self, dataset, look_up=None):
        self._dataset = dataset
        self._look_up = look_up

    def label(self, index):
        """The label of one image."""
        return self._dataset.labels[index] if self._look_up is None else self._look_up(self._dataset, index)


def _package(dataset):
    """``imbalanced-dataset-sampler``: a map of counts, a function of the user's for the label, weights 1 / n."""
    images = _OneByOne(dataset, lambda data, index: data.labels[index])
    indices = list(range(len(dataset)))
    counts = {}
    for index in indices:
        label = images.label(index)
        counts[label] = counts.get(label, 0) + 1
    return [1.0 / counts[images.label(index)] for index in indices]


def _authors(dataset):
    """LDAM-DRW and IB-Loss: a list of counts, then the effective number's weights from an array."""
    images = _OneByOne(dataset)
    indices = list(range(len(dataset)))
    counts = [0] * (max(np.unique(dataset.labels)) + 1)
    for index in indices:
        counts[images.label(index)] += 1
    weights = (1 - 0.9999) / (1 - np.power(0.9999, np.maximum(counts, 1)))
    return [weights[images.label(index)] for index in indices]


def _lean(dataset):
    counts = {}
    for label in dataset.labels:
        counts[label] = counts.get(label, 0) + 1
    return [1.0 / counts[label] for label in dataset.labels]


def _by_numpy(dataset):
    import torch

    labels = np.asarray(dataset.labels)
    return torch.from_numpy(1.0 / np.bincount(labels)[labels])


def _in_own_process(function, *arguments):
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def _status(field):
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def _own_page(results):
    rows = []
    for container, sizes in results["seconds"].items():
        for size, found in sizes.items():
            cells = [_time(timing.median(found[step])) for step in _STEPS]
            rows.append(f"| {timing.power_of_ten(int(size))} | {_CONTAINERS[container]} | {' | '.join(cells)} |")
    slopes = []
    for container, sizes in results["seconds"].items():
        points = [int(size) for size in sizes]
        fitted = {
            step: timing.exponent(points, [timing.median(found[step]) for found in sizes.values()])
            for step in ("build", "first", "later")
        }
        told = ", ".join(f"{_STEPS[step]} {value:.2f}" for step, value in fitted.items())
        ends = f"{timing.power_of_ten(points[0])} to {timing.power_of_ten(points[-1])}"
        slopes.append(f"- {_CONTAINERS[container]}, {ends}: {told}.")
    memory = results["memory"]["ours"]
    told = ", ".join(f"{_bytes(amount, size)} at {timing.power_of_ten(int(size))}" for size, amount in memory.items())
    return [
        f"{_CLASSES} classes, the k-th with 1/k of the images of the first; default mode; an epoch draws as many as "
        f"there are and is iterated to its end as batches of {_BATCH}, lists of Python integers. PaddleClas's data "
        f"sets hold lists of NumPy integers. The images are sorted with the first draw. Medians:",
        "\n".join(
            ["| Images | Labels | " + " | ".join(_STEPS.values()) + " |", "| ---: | --- " + "| ---: " * 4 + "|", *rows]
        ),
        "Growth, as the exponent of the images (1 is linear):",
        "\n".join(slopes),
        f"Memory at its peak, build and first epoch beside the labels, in a process of its own (growth of its resident "
        f"memory): {told}.",
        "![Time over images](performance/samplers.png)",
    ]


def _torch_page(results):
    if results["torch"] is None:
        return ["PyTorch was not installed: no comparison. `pip install torch==2.13.0` and measure again."]
    pairs = {f"build; weights {how}": (f"build, {way}", "build") for way, how in _WAYS.items()}
    pairs["build and first epoch; weights as in the package"] = ("both, package", "both")
    pairs["first epoch"] = ("epoch, theirs", "first")
    pairs["later epoch"] = ("epoch, theirs", "later")
    sizes = [size for size, found in results["seconds"]["int"].items() if "epoch, theirs" in found]
    powers = [timing.power_of_ten(int(size)) for size in sizes]
    rows, goals = [], []
    for container in ("int", "int64"):
        for what, (theirs, ours) in pairs.items():
            found = [results["seconds"][container][size] for size in sizes]
            ratios = [timing.ratio(times[theirs], times[ours]) for times in found]
            absolute = [_time(timing.median(found[-1][name])) for name in (ours, theirs)]
            cells = [_CONTAINERS[container], what, *absolute, *map(_times, ratios)]
            rows.append(f"| {' | '.join(cells)} |")
            goal = _GOALS.get(ours) if theirs in ("build, package", "build, authors", "epoch, theirs") else None
            if goal is not None:
                met = "met" if ratios[-1]["median"] >= goal else "missed"
                about = f"{goal} times as fast at {powers[-1]}, {_CONTAINERS[container]}, {what}"
                goals.append(f"- Goal: {about}: **{met}**, {_times(ratios[-1])}.")
    memory = results["memory"]["theirs"]
    told = ", ".join(f"{_bytes(amount, size)} at {timing.power_of_ten(int(size))}" for size, amount in memory.items())
    heads = ["Labels", "What", f"here, {powers[-1]}", f"PyTorch, {powers[-1]}"]
    heads += [f"times as fast, {power}" for power in powers]
    return [
        f"Beside `torch.utils.data.WeightedRandomSampler` in a `BatchSampler`, PyTorch {results['torch']}, "
        f"{results['threads']} threads, a weight for each image. Weights *as in the package*: the loops of "
        f"`imbalanced-dataset-sampler` with a function of the user's for the label, which a data set of one's own "
        f"needs; *as in the authors' code*: those of LDAM-DRW and IB-Loss. The other two are what remains without a "
        f"call for each image, and without any loop:",
        "\n".join([f"| {' | '.join(heads)} |", "| --- | --- " + "| ---: " * (len(heads) - 2) + "|", *rows]),
        "\n".join(goals),
        f"`torch.multinomial` takes at most 2^24 (16.8 million) weights, so there is no such sampler at 10^8. "
        f"Its memory at the peak, weights as in the package: {told}.",
    ]


def _footer(results):
    return f"Measured on {timing.line(results)} Paddle {results['paddle']}."


def _time(seconds):
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def _times(ratio):
    return f"{ratio['median']:.1f} ({ratio['low']:.1f} to {ratio['high']:.1f})"


def _bytes(amount, size):
    return f"{amount / 2**20:,.0f} MiB ({amount / int(size):.1f} bytes an image)"
