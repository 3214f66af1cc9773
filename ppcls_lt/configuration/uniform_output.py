"""``Global.uniform_output_enabled``: PaddleX's layout, with the model exported beside each checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

from .. import host
from ..basis import checks
from ..basis.findings import Finding, of

KEY = "uniform_output_enabled"


def findings(config: dict, mode: str) -> Iterator[Finding]:
    """Yield the ``Finding`` of all that would fail at the first checkpoint, or that this PaddleClas does not do.

    Args:
        config (dict): the configuration of one stage.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
    """
    section = config["Global"]
    yield from of(checks.flag, "Global", KEY, section.get(KEY, False))
    if mode != "train" or section.get(KEY, False) is not True:
        return
    if KEY not in host.reads()[("Global",)]:
        must = "be left out with this PaddleClas, which does not know it"
        yield checks.finding("Global", KEY, must, True, "a source checkout of its branch develop does")
        return
    shape = section.get("image_shape")
    if not isinstance(shape, list) or len(shape) != 3:
        yield checks.finding("Global", "image_shape", f"be a list of channels, height and width with `{KEY}`", shape)
    error = host.infer_config_fault(config)
    if error is not None:
        must = f"tell how an image is read (`transforms`) and what its classes are (`PostProcess`) with `{KEY}`"
        got = checks.described(f"what PaddleClas cannot export: {type(error).__name__}: {error}")
        yield checks.finding("Infer", "", must, got)
