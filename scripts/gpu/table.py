"""The operations of training steps beside the kernels of the GPU build, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ppcls_lt import losses  # noqa: F401  registers them
from ppcls_lt.basis.registry import registered

from . import registry
from .profiled import Operation

# What mixed precision runs beside, which a CPU leaves out: PaddleClas scales the loss and looks for what is not finite.
SCALER = {"check_finite_and_unscale": ("float32", "float16"), "update_loss_scaling": ("float32", "float16")}
# Layers that compute in float32 whatever they are given, as the losses do, and what their gradients run.
FLOAT32_LAYERS = {"NormalizedLinear": {"mv", "expand_as"}, "UnitFeaturesLinear": set()}
# Weights are drawn before mixed precision casts them.
DRAWN = {"truncated_gaussian_random"}
_FLOATS = ("float32", "float16", "bfloat16")
_BEGIN, _END = "<!-- kernels: begin -->\n", "<!-- kernels: end -->"


class Table:
    """Collects operations, by name."""

    def __init__(self, kernels: dict[str, list[str]]) -> None:
        self._kernels = kernels
        self._by: dict[str, list[str]] = {}
        self._dtypes: dict[str, set[str]] = {}
        self._outside: set[str] = set()
        self._log: dict[str, set[str]] = {}

    def add(self, training: str, operations: Sequence[Operation]) -> None:
        """Take in what one training ran."""
        inside = {loss.__name__ for loss in registered("loss").values()} | set(FLOAT32_LAYERS)
        layers = {layer for operation in operations for layer in operation.layers}
        inside_gradients = set().union(DRAWN, *(names for layer, names in FLOAT32_LAYERS.items() if layer in layers))
        outside = {
            operation.name
            for operation in operations
            if not inside & set(operation.layers) and not (not operation.layers and operation.name in inside_gradients)
        }
        for operation in operations:
            name = operation.name
            by = self._by.setdefault(name, [])
            if training not in by:
                by.append(training)
            self._dtypes.setdefault(name, set()).add(operation.dtype)
            self._log.setdefault(name, set()).add(operation.kernel)
            if name in outside and not (_is_gradient(name) and _of(name) not in outside):
                self._outside.add(name)

    def needed(self, name: str) -> list[str]:
        """The types in which an operation needs a kernel: those in which it ran, and float16 beside float32.

        A loss and a normalised classifier compute in float32 whatever they are given; everything else may meet the
        float16 of mixed precision where it met float32.
        """
        types = set(self._dtypes[name])
        if name in self._outside and "float32" in types:
            types.add("float16")
        return sorted(types)

    def gaps(self) -> list[str]:
        """A line for each kernel that is missing and each name that is not mapped."""
        result = []
        for name in sorted(self._by):
            if {registry.kernel(name)} != self._log[name]:
                result.append(
                    f"{name}: its kernel is {', '.join(sorted(self._log[name]))}, not {registry.kernel(name)}"
                )
            elif registry.kernel(name) not in self._kernels:
                result.append(f"{name}: the GPU build has no kernel {registry.kernel(name)} ({self._shown_by(name)})")
            else:
                missing = set(self.needed(name)) - set(self._kernels[registry.kernel(name)])
                if missing:
                    result.append(f"{name}: no GPU kernel in {', '.join(sorted(missing))} ({self._shown_by(name)})")
        for name, types in SCALER.items():
            if set(types) - set(self._kernels.get(name, [])):
                result.append(f"{name}: no GPU kernel in {' and '.join(types)}")
        return result

    def markdown(self) -> str:
        """The table, a row an operation."""
        head = ["| Operation | Kernel | float32 | float16 | bfloat16 | Needed in | Ran in |"]
        head.append("| --- | --- | --- | --- | --- | --- | --- |")
        rows = [
            _row(name, registry.kernel(name), self._kernels, self.needed(name), self._shown_by(name))
            for name in sorted(self._by)
        ]
        rows += [_row(name, name, self._kernels, types, "mixed precision") for name, types in SCALER.items()]
        return "\n".join(head + rows)

    def numbers(self) -> dict[str, int]:
        """How many operations, and how many of them are gradients."""
        return {"operations": len(self._by), "gradients": sum(map(_is_gradient, self._by))}

    def _shown_by(self, name):
        by = self._by[name]
        return f"{len(by)} trainings" if len(by) > 2 else ", ".join(by)


def _is_gradient(name):
    return name.rstrip("_").endswith("_grad")


def _of(name):
    """The operation that a gradient is of."""
    name = name.rstrip("_")
    while name.endswith(("_grad", "_double", "_triple")):
        name = name.rpartition("_")[0]
    return name


def _row(name, kernel, kernels, needed, ran):
    has = kernels.get(kernel, [])
    without = "no" if set(needed) & {*_FLOATS, "float64"} else "-"
    floats = ["yes" if each in has else without for each in _FLOATS]
    return f"| `{name}` | `{kernel}` | {' | '.join(floats)} | {', '.join(needed)} | {ran} |"


def write(pages: Sequence[Path], table: Table, kept: dict, trainings: int) -> None:
    """Put the table into its block of each page."""
    numbers, gaps = table.numbers(), table.gaps()
    text = (
        f"{numbers['operations']} operations in {trainings} trainings, {numbers['gradients']} of them gradients; "
        f"kernels of `paddlepaddle-gpu` {kept['paddlepaddle-gpu']} (CUDA {kept['cuda']}, cuDNN {kept['cudnn']}). "
        + (f"**{len(gaps)} gaps**: {'; '.join(gaps)}." if gaps else "**No gap**: every needed type has its kernel.")
    )
    for page in pages:
        head, rest = page.read_text("utf-8").split(_BEGIN)
        page.write_text(f"{head}{_BEGIN}{text}\n\n{table.markdown()}\n{_END}{rest.split(_END, 1)[1]}", "utf-8")
