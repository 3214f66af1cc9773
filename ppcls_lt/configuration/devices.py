"""What a configuration asks of the machine: a device that is there, DALI or PaddleSlim where they are wanted."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator

import paddle

from .. import host
from ..basis import checks
from ..basis.findings import Finding, of

_log = logging.getLogger("ppcls.lt")
_REMEDY = "train on the CPU with `-o Global.device=cpu`"


def findings(config: dict) -> Iterator[Finding]:
    """Yield what is missing of the device and, where they are asked for, of DALI and PaddleSlim, and what to do.

    Args:
        config (dict): the host's configuration.
    """
    section = config.get("Global")
    if not isinstance(section, dict):
        return  # the other checks say so
    yield from of(_check_device, section.get("device"))
    if section.get("use_dali", False) and not _has_dali():
        got = checks.described("true, and the package nvidia.dali is not installed")
        yield checks.finding("Global", "use_dali", "be false (`-o Global.use_dali=False`) without DALI", got)
    yield from _slim(config.get("Slim"))


def settled(stage: dict, mode: str) -> dict:
    """Return a stage without ``Arch.use_sync_bn`` where there is no such layer: on a CPU, and in what is exported.

    Args:
        stage (dict): the configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
    """
    arch, section = stage.get("Arch"), stage.get("Global")
    if not isinstance(arch, dict) or not isinstance(section, dict) or not arch.get("use_sync_bn", False):
        return stage
    if mode != "export":
        if section.get("device") != "cpu":
            return stage
        what = "each process normalises by the images of its own batch" if mode == "train" else "it acts in training"
        _log.warning("Arch: `use_sync_bn` is left out, since Paddle has no such layer for the CPU; %s", what)
    return {**stage, "Arch": {**arch, "use_sync_bn": False}}


def _slim(section):
    """What the host would say by an import that fails, or by an assertion."""
    if not isinstance(section, dict):
        return
    kinds = {"quant": ("pact",), "prune": ("fpgm", "l1_norm")}
    for kind, names in kinds.items():
        asked = section.get(kind)
        if not isinstance(asked, dict) or not asked:
            continue
        if importlib.util.find_spec("paddleslim") is None:
            got = checks.described(f"a section with {kind}, and the package paddleslim is not installed")
            yield checks.finding("configuration", "Slim", "be left out (`-o Slim=None`) without PaddleSlim", got)
            return
        name = asked.get("name")
        yield from of(checks.choice, f"Slim.{kind}", "name", name.lower() if isinstance(name, str) else name, names)
        if kind == "prune":
            ratio = asked.get("pruned_ratio")
            yield from of(checks.number, "Slim.prune", "pruned_ratio", ratio, minimum=0, below=1)


def _check_device(name):
    if name not in host.devices():
        _fail_unknown(name)
    reason = _missing(name)
    if reason is not None:
        checks.fail("Global", "device", "one that can be used here", checks.described(f"{name}: {reason}"))


def _fail_unknown(name):
    expected = f"one of {', '.join(host.devices())}"
    kind, _, number = str(name).partition(":")
    if kind == "gpu":
        expected += f", without a number (set CUDA_VISIBLE_DEVICES={number} to choose the card)"
    elif isinstance(name, str):
        expected += checks.suggestion(name, host.devices())
    checks.fail("Global", "device", expected, name)


def _missing(name):
    """Why this Paddle cannot use the device, with the remedy, or None."""
    built = {"gpu": paddle.is_compiled_with_cuda, "xpu": paddle.is_compiled_with_xpu}
    if name in built and not built[name]():
        package = "install a paddlepaddle-gpu build" if name == "gpu" else f"install Paddle's build for {name}"
        return f"this Paddle ({paddle.__version__}) is not built for it; {_REMEDY}, or {package}"
    if name == "gpu" and paddle.device.cuda.device_count() == 0:
        return f"no GPU is to be seen; {_REMEDY}, or see `nvidia-smi` and CUDA_VISIBLE_DEVICES"
    if name not in ("cpu", *built) and name not in paddle.device.get_all_custom_device_type():
        return f"this Paddle ({paddle.__version__}) has no plugin for it; {_REMEDY}, or install Paddle's plugin"
    return None


def _has_dali():
    return importlib.util.find_spec("nvidia") is not None and importlib.util.find_spec("nvidia.dali") is not None
