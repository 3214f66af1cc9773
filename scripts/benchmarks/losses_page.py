"""What :mod:`benchmarks.losses` measured, as Markdown and as a plot."""

from . import timing
from .losses import (
    ADJUSTED,
    CE,
    CE_SCALED,
    CLASSIFIER_GOAL,
    COPY,
    EXP,
    FEATURES,
    LDAM,
    LEAST,
    LOSSES,
    MEMORY_GOAL,
    NORMALISED_GOAL,
    OTHERS_GOAL,
    PLAIN_GOAL,
)

_TRIED = (
    "What a small batch costs beyond `CELoss` is the time of calling Paddle's operations on `[N]`, not their work: a "
    "few µs each in a loop of their own, several times as much right after a pass over the logits, which empties the "
    "caches. In use against it: no `astype` to the type at hand, which copies; mixed precision left alone where it is "
    "off; a dot product for a weighted sum; an index of the rows that is kept; the largest of a row by pooling. "
    "Not built, since the operations' own "
    "times, added up, promise nothing: gradients of the `[N]` values by hand, and a cross entropy of softmax, `log` "
    "and a gradient by hand. LDAM on plain logits passes over them for the largest, the exponential, the sum and the "
    "gradient; "
    "Paddle's softmax does the first three at once but returns no logarithm of the sum and lets nothing fall below "
    "e^-64 of the largest. One largest value for the whole batch is found up to four times as fast as one a row, but "
    "is exact only if the rows lie close together, which would have to be looked at on every step.",
    "",
    "The IB losses give the features a gradient: absolute values, their sums and signs are passes over `[N, D]` that "
    "`CELoss` does not make, and `[1024, 512]` features are half as large as `[1024, 1000]` logits. That gradient and "
    "the absolute values are also their memory.",
)


def page(results):
    """The block of docs/performance.md."""
    versions = results["versions"]
    lines = [timing.line(results), f"Paddle {versions['paddle']}, PaddleClas {versions['paddleclas']}", ""]
    lines[1] += f", PyTorch {versions['torch']}." if versions["torch"] else ", without PyTorch."
    for part in (_losses, _memory, _usual, _classifier, _goals):
        lines += part(results)
    return "\n".join(lines)


def _table(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return ["", *lines, ""]


def _size(row):
    return f"[{row['images']}, {row['classes']}]"


def _ms(seconds):
    return f"{1e3 * seconds:.2f} ms" if seconds < 0.1 else f"{1e3 * seconds:.0f} ms"


def _names(row):
    """The losses that were measured, in the order in which they are told; those without a goal last."""
    with_goals = (*LOSSES, *LDAM, *ADJUSTED)
    others = [name for name in row if name not in (*with_goals, CE, CE_SCALED, COPY, EXP)]
    return [name for name in (*with_goals, *others) if name in row]


def _losses(results):
    rows = results["losses"]
    names = _names(rows[0]["ratio"])
    return [
        "**Forward and backward of each loss, as a multiple of PaddleClas's `CELoss`** on the same logits `[N, C]`, "
        f"float32. The IB losses have features `[N, {FEATURES}]` with gradients. *LDAMLoss, normalised* is compared "
        "with `CELoss` on the same scaled logits; "
        + "; ".join(f"*{name}*: {what}" for name, what in LDAM.items())
        + ".",
        *_table(
            ["", *map(_size, rows)],
            [
                [CE, *(_ms(row["seconds"][CE]) for row in rows)],
                *(
                    [name, *(f"{timing.shown(row['ratio'][name])}, {_ms(row['seconds'][name])}" for row in rows)]
                    for name in names
                ),
            ],
        ),
        "![time of the losses](performance/losses.png)",
    ]


def _memory(results):
    rows = [row for row in results["memory"] if row["peak"]]
    if not rows:
        return ["", "This version of Paddle cannot tell how much memory a step took at most."]

    def cell(row, name):
        base = row["peak"][CE]
        return f"{_extra(row, name):+.2f} % ({(row['peak'][name] - base) / 1024:+.0f} KiB)"

    return [
        "",
        "**Memory held at most during forward and backward**, by Paddle's own count, logits, labels, features and "
        "gradients included: what each loss needs beyond `CELoss` on the same tensors. The IB losses give the "
        f"features `[N, {FEATURES}]` a gradient, which `CELoss` does not.",
        *_table(
            ["", *map(_size, rows)],
            [
                [CE, *(f"{row['peak'][CE] / 2**20:.1f} MiB" for row in rows)],
                *([name, *(cell(row, name) for row in rows)] for name in _names(rows[0]["peak"])),
            ],
        ),
    ]


def _extra(row, name):
    """Peak memory beyond ``CELoss``, in per cent of its own."""
    return 100 * (row["peak"][name] / row["peak"][CE] - 1)


def _usual(results):
    rows = results["usual"]
    kinds = {"paddle": "in Paddle", "torch": "in PyTorch"}
    kinds = {key: text for key, text in kinds.items() if key in rows[0]["losses"]["LDAMLoss"]["ratio"]}

    def cell(row, name, kind):
        found = row["losses"][name]
        return f"{timing.shown(found['ratio'][kind])}, {_ms(found['seconds'][kind])}"

    return [
        "**Time as a fraction of the same formula as it is usually written**, with dense masks and step by step "
        "(`scripts/benchmarks/usual_losses.py`); beside it that one's time. LDAM on cosines with s = 30.",
        *_table(
            ["", *map(_size, rows)],
            [
                [f"{name}, {text}", *(cell(row, name, kind) for row in rows)]
                for name in (*LOSSES, "LDAMLoss")
                for kind, text in kinds.items()
            ],
        ),
    ]


def _classifier(results):
    rows = results["classifier"]
    names = [name for name in rows[0]["layer"]["ratio"] if name != "linear"]
    return [
        "**The normalised classifier, as a multiple of `nn.Linear`**, forward and backward from features `[N, D]` to "
        "`[N, C]`; and a normalised classifier with `LDAMLoss`, as a multiple of the same with `CELoss`.",
        *_table(
            ["", *(f"[{row['images']}, {row['features']}] to {row['classes']}" for row in rows)],
            [
                ["`nn.Linear`", *(_ms(row["layer"]["seconds"]["linear"]) for row in rows)],
                *([name, *(timing.shown(row["layer"]["ratio"][name]) for row in rows)] for name in names),
                ["normalised with LDAMLoss", *(timing.shown(row["with loss"]["ratio"][CE]) for row in rows)],
            ],
        ),
    ]


def _goals(results):
    large = [row for row in results["losses"] if row["images"] * row["classes"] >= LEAST]

    def times(names, limit):
        return {
            f"{name} at {_size(row)}": (row["ratio"][name]["median"], limit)
            for row in large
            for name in names
            if name in row["ratio"]
        }

    found = {
        f"{', '.join(LOSSES)}: at most {OTHERS_GOAL} of `CELoss`": times(LOSSES, OTHERS_GOAL),
        f"LDAM on plain logits: at most {PLAIN_GOAL} of `CELoss`": times(list(LDAM)[:2], PLAIN_GOAL),
        f"LDAM behind the normalised classifier: at most {NORMALISED_GOAL} of `CELoss`": times(
            list(LDAM)[2:], NORMALISED_GOAL
        ),
        **{f"{name}: at most {limit} of `CELoss`": times([name], limit) for name, limit in ADJUSTED.items()},
        f"Normalised classifier: at most {CLASSIFIER_GOAL:.2f} of `nn.Linear`": {
            f"{row['features']} to {row['classes']}": (row["layer"]["ratio"]["normalised"]["median"], CLASSIFIER_GOAL)
            for row in results["classifier"]
        },
        f"Memory: at most {MEMORY_GOAL:g} % beyond `CELoss`'s step, LDAM on plain logits excepted": {
            f"{name} at {_size(row)}": (_extra(row, name), MEMORY_GOAL)
            for row in results["memory"]
            if row["peak"]
            for name in (*LOSSES, *list(LDAM)[2:])
        },
        "LDAM and IB at [256, 8142] faster than the usual PyTorch": {
            name: (row["losses"][name]["ratio"]["torch"]["median"], 1.0)
            for row in results["usual"]
            if (row["images"], row["classes"]) == (256, 8142)
            for name in ("IBLoss", "LDAMLoss")
            if "torch" in row["losses"][name]["ratio"]
        },
    }
    return [
        "**Goals**, judged by the medians, from [256, 1000] up:",
        "",
        *(_told(goal, of) for goal, of in found.items()),
    ]


def _told(goal, found):
    missed = [f"{what} ({value:.3f})" for what, (value, limit) in found.items() if value > limit]
    if not found:
        return f"- {goal}: not measured."
    if not missed:
        return f"- {goal}: met."
    return f"- {goal}: missed in {len(missed)} of {len(found)} cases: {', '.join(missed)}."


def plots(results):
    """The cost of each loss by the size of the logits, with what bounds it."""
    from ppcls_lt.data import charts

    figure = charts.new_figure(4.5)
    axes = figure.subplots()
    rows = sorted(results["losses"], key=lambda row: row["images"] * row["classes"])
    entries = [row["images"] * row["classes"] for row in rows]
    for name in (CE, *_names(rows[0]["seconds"]), EXP, COPY):
        style = {EXP: "k--", COPY: "k:"}.get(name, "o-")
        axes.plot(entries, [1e3 * row["seconds"][name] for row in rows], style, label=name, markersize=4)
    axes.set(xscale="log", yscale="log", xlabel="entries of the logits, N x C", ylabel="ms, forward and backward")
    axes.legend(fontsize=7)
    return {"losses": charts.png(figure)}
