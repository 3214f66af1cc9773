"""The projection of ``MaxNormPGD``, beside copies of the same memory."""

from functools import partial

import numpy as np

from ppcls_lt.data import charts

from . import timing

# [features, classes]: ImageNet-LT and iNaturalist 2018 on a ResNet-50, and from small to larger than both.
_SIZES = ((64, 10), (512, 100), (2048, 365), (2048, 1000), (2048, 8142), (2048, 21841))
_SHOWN = (2048, 8142)
_PASSES = 2


def run(quick):
    """Time the projection of every size, all of whose parts are in memory and mapped."""
    import paddle

    from ppcls_lt.maths.projections import class_norms, max_norm_radius, project_to_ball_

    sizes = ((16, 10), (64, 100)) if quick else _SIZES
    results = {"paddle": paddle.__version__, "sizes": [list(size) for size in sizes], "seconds": {}}
    results["bandwidth"] = timing.bandwidth(8, 3) if quick else timing.bandwidth()
    for features, classes in sizes:
        paddle.seed(0)
        weight = paddle.nn.Linear(features, classes).weight
        # As the callback has it: a number, of the weights at the start.
        radius = max_norm_radius(weight, 0.1, class_axis=1).item()
        source = weight.numpy().copy()
        target = np.zeros_like(source)
        with paddle.no_grad():
            held = paddle.assign(weight)
        subjects = {
            "projection": partial(project_to_ball_, weight, radius, class_axis=1),
            "norms": partial(class_norms, weight, 1),
            "copyto": partial(np.copyto, target, source),
            "assign": partial(_assign, paddle, weight),
            "assign to": partial(_assign, paddle, weight, held),
        }
        rounds = 3 if quick else 101 if features * classes < 2 * 10**6 else 41
        results["seconds"][f"{features}x{classes}"] = timing.in_turns(subjects, rounds, warm_up=3)
    return results


def page(results):
    """The table, and whether the goal is met."""
    rows = []
    for size in results["sizes"]:
        found = results["seconds"]["x".join(map(str, size))]
        ratios = [timing.ratio(found["projection"], found[name]) for name in ("copyto", "assign to", "assign")]
        cells = [
            str(size),
            f"{4 * size[0] * size[1] / 2**20:.1f} MiB",
            *(_time(timing.median(found[name])) for name in ("projection", "norms", "copyto", "assign")),
            *map(timing.shown, ratios),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    shown = _SHOWN if list(_SHOWN) in results["sizes"] else results["sizes"][-1]
    found = results["seconds"]["x".join(map(str, shown))]
    copied, assigned = (timing.ratio(found["projection"], found[name]) for name in ("copyto", "assign"))
    one, two = (results["bandwidth"][name] / 1e9 for name in ("one", "two"))
    return "\n".join(
        [
            "`MaxNormPGD` on the weight `[features, classes]` of a Linear, float32, in place, radius from the weights "
            "at the start. A pass is a copy of the weight into memory that is there already (`numpy.copyto`): it reads "
            "and writes as much as a pass that changes the weight in place. `paddle.assign(w)` asks for new memory "
            "each time, which takes several times as long; `paddle.assign(w, out)` does not.",
            "",
            "| Weight | | projection | of it the norms | `numpy.copyto` | `paddle.assign(w)` | projection against "
            "`copyto` | against `assign(w, out)` | against `assign(w)` |",
            "| --- " + "| ---: " * 8 + "|",
            *rows,
            "",
            f"- Goal: at most two passes over the weight's memory. By count: **met**; the weight is read once for the "
            f"norms, and read and written once for the scaling. By time, at {list(shown)} against twice "
            f"`numpy.copyto`: **{_met(copied['median'] <= _PASSES)}**, {timing.shown(copied)} copies; against twice "
            f"`paddle.assign(w)`: **{_met(assigned['median'] <= _PASSES)}**, {timing.shown(assigned)}.",
            "- What takes longer than the memory does: the norms are summed in float64, so that no rounding lets a "
            "vector out of its ball, and Paddle has no one operation for it. A part of the weight that fits the cache "
            "is converted, squared and summed (as a product with ones, the fastest of Paddle's sums) before the next "
            "is read. When no vector is too long the scaling could be left out, but to know it the host would have to "
            "wait for the device.",
            "",
            "![Time over the weight's size](performance/maxnorm.png)",
            "",
            f"Measured on {timing.line(results)} Paddle {results['paddle']}. One thread copies {one:.0f} GB/s, two "
            f"{two:.0f} GB/s, bytes read and written together.",
        ]
    )


def plots(results):
    """Time over the weight's bytes, with what the machine's memory allows."""
    figure = charts.new_figure(3.8)
    axes = figure.add_subplot()
    size = np.array([4 * features * classes for features, classes in results["sizes"]]) / 2**20
    labels = {"assign": "paddle.assign(w)", "projection": "projection", "copyto": "numpy.copyto"}
    for name, label in labels.items():
        axes.loglog(size, [timing.median(found[name]) for found in results["seconds"].values()], "o-", label=label)
    bound = 2 * _PASSES * size * 2**20 / results["bandwidth"]["one"]
    axes.loglog(size, bound, "k--", label="bound beyond the caches: two passes at the speed of a copy")
    axes.set(xlabel="weight, MiB", ylabel="seconds")
    axes.legend(frameon=False, fontsize=8)
    axes.grid(alpha=0.3)
    return {"maxnorm": charts.png(figure)}


def _assign(paddle, weight, output=None):
    with paddle.no_grad():
        return paddle.assign(weight, output)


def _time(seconds):
    return f"{seconds * 1000:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"


def _met(goal):
    return "met" if goal else "missed"
