"""Writes docs/architectures.md, and the Chinese one: which architectures take ``Arch.classifier: normalized``.

    python scripts/list_architectures.py --root develop=/path/to/PaddleClas

Every architecture that PaddleClas or this package can build by name is built
with ten classes by PaddleClas's own ``build_model`` and run once in training and
once in evaluation mode. Where that fails, the same is tried with the ordinary
classifier, to tell what PaddleClas itself cannot do.

The PaddleClas that Python finds comes first, then each ``--root``. The models
run in a process of their own, which is replaced when it crashes or takes too
long.
"""

import argparse
import gc
import importlib.metadata
import inspect
import logging
import multiprocessing
import re
import resource
import time
from pathlib import Path
from typing import NamedTuple

import architectures_zh
import paddle

from ppcls_lt import ConfigError, host
from ppcls_lt.basis.registry import registered
from ppcls_lt.engine import trainer
from ppcls_lt.maths.classifier import LogitsCheck, NormalizedLinear

CLASSES = 10
BATCH = 2
PACKAGE = "ppcls.arch.backbone."
PAGE = Path(__file__).resolve().parents[1] / "docs" / "architectures.md"

# Height and width of the images, by the name's beginning; then by its _224, _384 and so on; then 224.
SIZES = {
    "AdaFace": (112, 112),
    "Inception": (299, 299),
    "LeViT": (224, 224),
    "MobileViT": (256, 256),
    "SVTR": (48, 320),
    "Xception": (299, 299),
}

STATES = {
    "yes": "supported",
    "no": "not supported",
    "fails": "do not run with the ordinary classifier either",
    "not run": "not run here",
}

INTRODUCTION = """\
# Which architectures take `Arch.classifier: normalized`

[中文](zh/architectures.md)

Generated on a CPU with Paddle {paddle}; not to be edited, but generated again:

```bash
python scripts/list_architectures.py{roots}
```

The normalised classifier needs logits that come from exactly one `Linear` layer, and so do `IBLoss` and
`IB_FocalLoss`, which read what enters it. Every architecture was built by its name with {classes} classes and run
once in training and once in evaluation mode.

- **yes**: the classifier was found under the name given, and the model's logits are its output.
- **no**: training ends with an error that names the architecture; the reason is the error's.
- **fails**: built from its name and the number of classes alone, the model does not run with the ordinary classifier
  either; the reason is PaddleClas's error.

In a reason, `...` stands for the architecture's name. `RecModel` is not listed: it takes the normalised classifier
with the head `FC`, and not with `ArcMargin`, `CosMargin` or `CircleMargin`, which have no `Linear` layer.
"""


class Verdict(NamedTuple):
    """What became of one architecture. Equal verdicts of one module share a row."""

    state: str  # a key of STATES
    layer: str = ""
    reason: str = ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", action="append", default=[], metavar="NAME=FOLDER", help="a checkout to list, too")
    parser.add_argument("--only", default="", metavar="REGEX", help="architectures to run; default: all")
    parser.add_argument("--output", type=Path, default=PAGE)
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one architecture")
    parser.add_argument("--memory", type=float, default=16, help="GB for the process that runs the models")
    options = parser.parse_args()
    roots = [root.rpartition("=")[::2] for root in options.root]
    page = INTRODUCTION.format(
        paddle=paddle.__version__,
        classes=CLASSES,
        roots="".join(f' --root "{name}=FOLDER"' for name, _ in roots),
    )
    for name, root in [(None, None), *roots]:
        page += _section(name, root, options)
    options.output.write_text(page, encoding="utf-8")
    if options.output == PAGE:
        architectures_zh.main()


def _section(name, root, options):
    """Run the architectures of one PaddleClas; return its part of the page."""
    started = time.time()
    worker = _Worker(root, options)
    name = name or worker.host_name
    modules = {}
    for arch, module in worker.architectures.items():
        if re.search(options.only, arch):
            verdict = worker.ask(arch)
            modules.setdefault(module, {}).setdefault(verdict, []).append(arch)
            print(f"{time.time() - started:6.0f} s  {name}  {arch}: {verdict}", flush=True)
    worker.stop()
    counts = dict.fromkeys(STATES, 0)
    rows = []
    for module in sorted(modules):
        for verdict, archs in modules[module].items():
            counts[verdict.state] += len(archs)
            layer = verdict.layer and f"`{verdict.layer}`"
            cells = (module, ", ".join(archs), verdict.state, layer, verdict.reason.replace("|", "\\|"))
            rows.append("| " + " | ".join(cells) + " |")
    summary = ", ".join(f"{count} {STATES[state]}" for state, count in counts.items() if count)
    head = ["| module | architectures | supported | classifier | reason |", "| --- | --- | --- | --- | --- |"]
    return f"\n## PaddleClas {name}\n\n{sum(counts.values())} names: {summary}.\n\n" + "\n".join([*head, *rows, ""])


class _Worker:
    """The process that runs the models; started anew after one that failed."""

    def __init__(self, root, options):
        self._arguments = (root, options.memory)
        self._timeout = options.timeout
        self._start()

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        self._process = context.Process(target=_serve, args=(end, *self._arguments), daemon=True)
        self._process.start()
        end.close()
        self.host_name, self.architectures = self._pipe.recv()

    def ask(self, arch):
        """Return the verdict on one architecture."""
        self._pipe.send(arch)
        if not self._pipe.poll(self._timeout):
            return self._replace(f"took more than {self._timeout:g} s")
        try:
            return self._pipe.recv()
        except EOFError:
            self._process.join()
            return self._replace(f"the process died with exit code {self._process.exitcode}")

    def _replace(self, reason):
        self.stop()
        self._start()
        return Verdict("not run", reason=reason)

    def stop(self):
        self._process.kill()
        self._process.join()


def _serve(pipe, root, memory):
    """Send the host's name and its architectures; then a verdict for every name that comes."""
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory * 2**30),) * 2)
    trainer.register(root=root)
    host.module("utils.logger").init_logger(log_level=logging.ERROR)  # as the Engine does
    folder = host.checkout()
    wheel = f"wheel {importlib.metadata.version('paddleclas')}" if folder.name == "paddleclas" else folder.name
    pipe.send((wheel, _architectures()))
    while True:
        pipe.send(_verdict(pipe.recv()))
        gc.collect()


def _architectures():
    """Everything that ``Arch.name`` can build, in the order of the source, with its module."""
    ours = registered("arch")
    builders = {
        name: builder
        for name, builder in host.names("arch").items()
        if inspect.isfunction(builder) and (builder.__module__.startswith(PACKAGE) or name in ours)
    }
    ordered = sorted(builders, key=lambda name: (builders[name].__module__, builders[name].__code__.co_firstlineno))
    return {name: builders[name].__module__.removeprefix(PACKAGE).replace(".", "/") for name in ordered}


def _verdict(arch):
    try:
        layer, _ = _run(arch, {"classifier": "normalized"})
        return Verdict("yes", layer=layer)
    except MemoryError:
        return Verdict("not run", reason="not enough memory")
    except Exception as error:  # whatever an architecture raises is what the page tells
        failure = error
    try:
        _, output = _run(arch, {})
    except Exception as error:  # the same
        return Verdict("fails", reason=f"`{_message(error, arch)}`")
    if not isinstance(failure, ConfigError):
        return Verdict("no", reason=f"a defect of ppcls_lt: `{_message(failure, arch)}`")
    reason = str(failure).removeprefix("Arch: ").removeprefix(f"{arch} has ").split(",")[0].replace(arch, "...")
    return Verdict("no", reason=reason if output == f"{BATCH} x {CLASSES}" else f"{reason}; the model gives {output}")


def _run(arch, classifier):
    """Build one architecture and run it in both modes.

    Returns:
        The normalised classifier's name, or None, and what the model gives in training.

    Raises:
        ConfigError: the classifier cannot be normalised.
    """
    untrained = {} if arch in registered("arch") else {"pretrained": False}
    config = {
        "Global": {"device": "cpu"},
        "Arch": {"name": arch, "class_num": CLASSES, **untrained, **classifier},
        "Loss": {"Train": [{"LDAMLoss": {"num_class_list": [1] * CLASSES, "weight": 1.0}}]},
    }
    paddle.seed(0)
    with paddle.utils.unique_name.guard(), paddle.no_grad():
        model = host.module("arch").build_model(config)
        images = paddle.randn([BATCH, 3, *_size(arch)])
        model.train()
        output = model(images)
        normalized = None
        for name, layer in model.named_sublayers():
            if isinstance(layer, NormalizedLinear):
                LogitsCheck(model, name, layer, arch)
                normalized = name
        model.eval()
        model(images)
    return normalized, _described(output)


def _size(arch):
    for beginning, size in SIZES.items():
        if arch.startswith(beginning):
            return size
    stated = re.search(r"_(224|256|336|384)(_|$)", arch)
    return (int(stated[1]),) * 2 if stated else (224, 224)


def _described(output):
    """What a model gives, for reading."""
    if isinstance(output, paddle.Tensor):
        return " x ".join(map(str, output.shape))
    return f"a {type(output).__name__} of {len(output)}"


def _message(error, arch):
    """What an exception says, without Paddle's traceback and source file."""
    lines = re.sub(r"\s*\(at /.*", "", str(error), flags=re.DOTALL).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1].strip()}".replace(arch, "...").replace("`", "'")[:160]


if __name__ == "__main__":
    main()
