"""Forward and backward of every loss beside PaddleClas's ``CELoss``; the normalised classifier beside ``nn.Linear``."""

import numpy as np

from . import timing, usual_losses

SIZES = ((128, 100), (256, 1000), (256, 8142), (1024, 1000))
# Images, features, classes.
CLASSIFIERS = ((256, 512, 1000), (256, 2048, 1000), (256, 512, 8142), (256, 2048, 8142))
QUICK_SIZES, QUICK_CLASSIFIERS = ((8, 10), (16, 30)), ((8, 6, 10),)
FEATURES = 512
SCALE = usual_losses.SCALE
LOSSES = ("CostSensitiveCE", "FocalLoss", "IBLoss", "IBFocalLoss")
LDAM = {
    "LDAMLoss, s = 1": "ordinary logits",
    "LDAMLoss, s = 30": "cosines, which the loss multiplies",
    "LDAMLoss, normalised": "logits of the normalised classifier, already multiplied",
}
# Losses whose logits are adjusted class by class, and the most that each may take.
ADJUSTED = {"LogitAdjustedLoss": 1.5, "BalancedSoftmaxLoss": 1.5, "VSLoss": 2.1, "CDTLoss": 2.1}
# Other forms of losses, beside that of their defaults.
FORMS = {
    "ClassBalancedLoss, sigmoid": ("ClassBalancedLoss", {"form": "sigmoid"}),
    "ClassBalancedLoss, focal": ("ClassBalancedLoss", {"form": "focal"}),
    "LADELoss with its cross entropy": ("LADELoss", {"alpha": 0.1}),
}
CE, CE_SCALED = "CELoss", "CELoss on scaled logits"
COPY, EXP = "one copy", "one exponential"
LEAST = 256 * 1000  # entries of the logits from which on the goals hold
OTHERS_GOAL, PLAIN_GOAL, NORMALISED_GOAL, CLASSIFIER_GOAL, MEMORY_GOAL = 1.05, 1.8, 1.3, 1.10, 1.0


def run(quick):
    """Measure; see :mod:`benchmarks`."""
    import zlib  # noqa: F401  before paddle: Paddle 2.6 crashes when zlib comes after it

    import paddle

    import ppcls_lt

    ppcls_lt.register()
    _fill_the_heap(paddle)
    versions = {"paddle": paddle.__version__, "paddleclas": _version("paddleclas"), "torch": _version("torch")}
    sizes, classifiers = (QUICK_SIZES, QUICK_CLASSIFIERS) if quick else (SIZES, CLASSIFIERS)
    return {
        "versions": versions,
        "losses": [_losses(_Case(*size), 3 if quick else 60) for size in sizes],
        "memory": [_memory(_Case(*size)) for size in sizes[-2:]],
        "usual": [_usual(_Case(*size), versions, 3 if quick else 30) for size in sizes],
        "classifier": [_classifier(*size, versions, 3 if quick else 15) for size in classifiers],
    }


def _version(package):
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _fill_the_heap(paddle):
    """Let glibc keep freed memory, as it does in a training, where larger tensors than these come and go."""
    large = paddle.zeros([31 * 2**18])
    del large


def _clear(tensors):
    """Let gradients go, rather than fill them with zeros to which the next would be added."""
    for tensor in tensors:
        tensor.clear_gradient(False)


class _Case:
    """Tensors of one size, and steps on them."""

    def __init__(self, images, classes):
        import paddle

        rng = np.random.default_rng(0)
        self.images, self.classes = images, classes
        self.counts = np.geomspace(1280, 5, classes).astype(int).tolist()
        cosines = rng.uniform(-1, 1, (images, classes))
        arrays = {"ordinary": rng.normal(size=(images, classes)), "cosines": cosines, "scaled": SCALE * cosines}
        self.arrays = {key: array.astype(np.float32) for key, array in arrays.items()}
        self.arrays["features"] = rng.normal(size=(images, FEATURES)).astype(np.float32)
        self.tensors = {key: paddle.to_tensor(a, stop_gradient=False) for key, a in self.arrays.items()}
        self.label = paddle.to_tensor(rng.integers(0, classes, images))

    def built(self, name, **params):
        """A loss, built by PaddleClas's own ``build_loss``."""
        from ppcls_lt import host

        if name != CE:
            params["num_class_list"] = self.counts
        return host.module("loss").build_loss([{name: {**params, "weight": 1.0}}]).loss_func[0]

    def step(self, loss, logits="ordinary"):
        """Forward and backward of a loss, as a function without arguments."""
        x = {"logits": self.tensors[logits], "features": self.tensors["features"]}

        def one():
            _clear(x.values())
            (value,) = loss(x, self.label).values()
            value.backward()

        return one

    def steps(self):
        """Every loss's step and what it is compared with, by name."""
        from ppcls_lt.basis.registry import registered

        all_losses = [loss.__name__ for loss in registered("loss").values() if not loss.several_labels]
        others = sorted({*all_losses} - {*LOSSES, *ADJUSTED, "LDAMLoss"})
        normalised = self.built("LDAMLoss", s=SCALE)
        normalised.take_scaled_logits()
        return {
            CE: self.step(self.built(CE)),
            **{name: self.step(self.built(name)) for name in (*LOSSES, *ADJUSTED, *others)},
            **{form: self.step(self.built(name, **params)) for form, (name, params) in FORMS.items()},
            "LDAMLoss, s = 1": self.step(self.built("LDAMLoss", s=1.0)),
            "LDAMLoss, s = 30": self.step(self.built("LDAMLoss", s=SCALE), "cosines"),
            "LDAMLoss, normalised": self.step(normalised, "scaled"),
            CE_SCALED: self.step(self.built(CE), "scaled"),
        }


def _losses(case, rounds):
    """Each loss against ``CELoss`` on the same tensors."""
    import paddle

    logits = case.tensors["ordinary"].detach()
    subjects = {**case.steps(), COPY: logits.clone, EXP: lambda: paddle.exp(logits)}
    seconds = timing.in_turns(subjects, rounds)
    return {
        "images": case.images,
        "classes": case.classes,
        "seconds": {name: timing.median(each) for name, each in seconds.items()},
        "ratio": {
            name: timing.ratio(each, seconds[CE_SCALED if "normalised" in name else CE])
            for name, each in seconds.items()
        },
    }


def _memory(case):
    """Bytes that Paddle holds at most during a step of each loss, by its own count of what it allocates."""
    from paddle.base import core

    if not hasattr(core, "host_memory_stat_reset_peak_value"):
        return {"images": case.images, "classes": case.classes, "peak": None}
    peak, tensors = {}, core.host_memory_stat_current_value("Allocated", 0)
    for name, step in case.steps().items():
        # What the losses before it keep from step to step, as a shift spread over the batch, is theirs.
        kept = core.host_memory_stat_current_value("Allocated", 0) - tensors
        step()
        _clear(case.tensors.values())
        others = [case.tensors[key] for key in ("ordinary", "cosines", "scaled") if key != _logits_of(name)]
        unused = sum(tensor.size * 4 for tensor in others)
        core.host_memory_stat_reset_peak_value("Allocated", 0)
        step()
        peak[name] = core.host_memory_stat_peak_value("Allocated", 0) - unused - kept
        _clear(case.tensors.values())
    return {"images": case.images, "classes": case.classes, "peak": peak}


def _logits_of(name):
    return {"LDAMLoss, s = 30": "cosines", "LDAMLoss, normalised": "scaled", CE_SCALED: "scaled"}.get(name, "ordinary")


def _usual(case, versions, rounds):
    """Each loss against the same formula as it is usually written, in Paddle and in PyTorch."""
    weights = np.asarray(case.built("CostSensitiveCE").class_weight)
    margins = 0.5 * (min(case.counts) / np.asarray(case.counts)) ** 0.25
    ported = usual_losses.in_paddle(weights, margins)
    in_torch = usual_losses.in_torch(weights, margins) if versions["torch"] else {}
    found = {}
    for name in (*LOSSES, "LDAMLoss"):
        logits = "cosines" if name == "LDAMLoss" else "ordinary"
        subjects = {"here": case.step(case.built(name), logits), "paddle": _port(case, ported[name], logits)}
        if in_torch:
            subjects["torch"] = _torch_port(case, in_torch[name], logits)
        found[name] = _beside("here", timing.in_turns(subjects, rounds))
    return {"images": case.images, "classes": case.classes, "losses": found}


def _port(case, function, logits):
    def loss(x, label):
        return {"loss": function(x["logits"], label, x["features"])}

    return case.step(loss, logits)


def _torch_port(case, function, logits):
    import torch

    z, features = (torch.tensor(case.arrays[key], requires_grad=True) for key in (logits, "features"))
    label = torch.tensor(case.label.numpy())

    def one():
        z.grad = features.grad = None
        function(z, label, features).backward()

    return one


def _beside(name, seconds):
    """Medians of all, and the ratios of one to the others."""
    return {
        "seconds": {key: timing.median(each) for key, each in seconds.items()},
        "ratio": {key: timing.ratio(seconds[name], each) for key, each in seconds.items() if key != name},
    }


def _classifier(images, features, classes, versions, rounds):
    """The normalised classifier against ``nn.Linear`` and the usual ports, and with LDAM against with ``CELoss``."""
    import paddle
    from paddle import nn

    from ppcls_lt.maths.classifier import normalize

    case = _Case(images, classes)
    rng = np.random.default_rng(1)
    array, upstream = (rng.normal(size=(images, width)).astype(np.float32) for width in (features, classes))
    x, slope = paddle.to_tensor(array, stop_gradient=False), paddle.to_tensor(upstream)
    linear, normalised, with_loss = (nn.Linear(features, classes) for _ in range(3))
    for layer in (normalised, with_loss):
        normalize(layer, SCALE)
    port = usual_losses.in_paddle([1.0], [1.0])["normalized"]
    subjects = {
        "linear": _backward(linear, x, linear.parameters(), slope),
        "normalised": _backward(normalised, x, normalised.parameters(), slope),
        "usual in Paddle": _backward(lambda z: port(z, normalised.weight), x, normalised.parameters(), slope),
    }
    if versions["torch"]:
        subjects["usual in PyTorch"] = _torch_classifier(array, normalised.weight.numpy(), upstream)
    result = {"images": images, "features": features, "classes": classes}
    seconds = timing.in_turns(subjects, rounds)
    result["layer"] = {
        "seconds": {key: timing.median(each) for key, each in seconds.items()},
        "ratio": {key: timing.ratio(each, seconds["linear"]) for key, each in seconds.items()},
    }
    ldam = case.built("LDAMLoss", s=SCALE)
    ldam.take_scaled_logits()
    subjects = {}
    for name, loss in ((CE, case.built(CE)), ("LDAMLoss", ldam)):

        def model(z, loss=loss):
            (value,) = loss(with_loss(z), case.label).values()
            return value

        subjects[name] = _backward(model, x, with_loss.parameters(), None)
    result["with loss"] = _beside("LDAMLoss", timing.in_turns(subjects, rounds))
    return result


def _backward(function, x, parameters, slope):
    def one():
        _clear((x, *parameters))
        function(x).backward(slope)

    return one


def _torch_classifier(x, weight, slope):
    import torch

    port = usual_losses.in_torch([1.0], [1.0])["normalized"]
    x, weight = (torch.tensor(array, requires_grad=True) for array in (x, weight))
    slope = torch.tensor(slope)

    def one():
        x.grad = weight.grad = None
        port(x, weight).backward(slope)

    return one


def page(results):
    """The block of docs/performance.md."""
    from . import losses_page

    return losses_page.page(results)


def plots(results):
    """The cost of each loss by the size of the logits, with what bounds it."""
    from . import losses_page

    return losses_page.plots(results)
