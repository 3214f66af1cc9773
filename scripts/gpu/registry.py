"""Which kernels a GPU build of Paddle has, by its own registry, and what an operation of a profile is called there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import paddle

FILE = Path(__file__).resolve().parents[2] / "tests" / "data" / "gpu_kernels.json"
# The registry's names of types -> Paddle's.
_TYPES = {
    "float": "float32",
    "double": "float64",
    "float16": "float16",
    "bfloat16": "bfloat16",
    "int": "int32",
    "int64_t": "int64",
    "int16_t": "int16",
    "int8_t": "int8",
    "uint8_t": "uint8",
    "bool": "bool",
    "complex<float>": "complex64",
    "complex<double>": "complex128",
    "pstring": "pstring",
}
# Operations whose kernel is called otherwise, beside those that differ by the underscore of what is done in place.
_RENAMED = {"arange": "arange_tensor", "assign_out_": "assign"}


def kernel(operation: str) -> str:
    """The name of the kernel that an operation of a profile (``momentum_``, ``matmul_grad``) runs."""
    return _RENAMED.get(operation, operation.rstrip("_"))


def of_this_paddle() -> dict[str, list[str]]:
    """Each kernel of this Paddle that runs on a GPU -> the types in which it does."""
    core, result = paddle.base.core, {}
    for name, entries in core._get_all_register_op_kernels("phi").items():
        types = {_type(entry) for entry in entries if "place[Place(gpu:0)]" in entry}
        if types:
            # The registry goes by the operators' older names.
            result.setdefault(core._get_phi_kernel_name(name), set()).update(types)
    return {name: sorted(types) for name, types in sorted(result.items())}


def _type(entry):
    (name,) = re.findall(r"data_type\[(?:::paddle::platform::)?([^\]]+)\]", entry)
    return _TYPES[name.replace("::paddle::platform::", "")]


def write() -> None:
    """Keep the registry of this Paddle, which must be a GPU build."""
    kept = {"paddlepaddle-gpu": paddle.__version__, "cuda": paddle.version.cuda(), "cudnn": paddle.version.cudnn()}
    lines = [f" {json.dumps(name)}: {json.dumps(types)}" for name, types in of_this_paddle().items()]
    FILE.write_text(json.dumps(kept)[:-1] + ', "kernels": {\n' + ",\n".join(lines) + "\n}}\n", "utf-8")


def kept() -> dict:
    """What :func:`write` has kept: the versions, and ``kernels``, each with its types."""
    return json.loads(FILE.read_text("utf-8"))
