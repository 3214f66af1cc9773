"""Whether a configuration to start from fits the host: architecture, image size, delimiter of the data set."""

from __future__ import annotations

from typing import Any

import paddle

from .. import host
from ..basis import checks
from ..host.components import WRONG
from ..host.known_keys import parameters
from . import model_building, weight_files

_OWNER = "ppcls-lt lists"


def device() -> str:
    """Return the device to train on here: a GPU where this Paddle can use one, else the CPU."""
    usable = paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0
    return "gpu" if usable else "cpu"


def check(config: dict, example: str) -> None:
    """Raise unless a configuration to start from fits the host; weights go where its architecture takes them.

    Args:
        config (dict): with the lists; ``Arch.pretrained`` becomes ``Global.pretrained_model`` where the architecture
            does not know it.
        example (str): an image, whose path has a space where one has.

    Raises:
        ConfigError: the data set takes no delimiter, or the architecture is not known or takes no such images.
    """
    _check_delimiter(config, example)
    _check_arch(config["Arch"], config["Global"]["image_shape"][-1])
    if config["Arch"].get("pretrained"):
        _place_weights(config)


def _place_weights(config):
    arch = config["Arch"]
    path = arch["pretrained"]
    if isinstance(path, str) and not path.startswith(("http://", "https://")):
        weight_files.check_existing(_OWNER, "--pretrained", path)
    if "pretrained" in parameters(host.names("arch")[arch["name"]], arch).names:
        return
    if not isinstance(path, str):
        got = checks.described(f"true, and PaddleClas has none for {arch['name']} to download")
        checks.fail(_OWNER, "--pretrained", "the path of weights", got)
    config["Global"]["pretrained_model"] = path.removesuffix(".pdparams")
    del arch["pretrained"]


def _check_delimiter(config, example):
    """Raise where lists have another delimiter than a space and the host's data set takes none."""
    for part in ("Train", "Eval"):
        dataset = config["DataLoader"][part]["dataset"]
        component = host.names("dataset").get(dataset.get("name"))
        if "delimiter" not in dataset or component is None:
            continue
        known = parameters(component)
        if "delimiter" not in known.names:
            got = checks.described(
                f"a space in {example!r}, and {dataset['name']} of this PaddleClas takes no `delimiter`"
            )
            remedy = "rename the folders and files, or take a configuration with ImageNetDataset"
            checks.fail(_OWNER, "SOURCE", "a source of paths without spaces", got, remedy)


def _check_arch(arch, size):
    """Raise unless the host knows an architecture and it takes images of a size; it is built, and forgotten."""
    known = host.names("arch")
    checks.known_name(
        _OWNER, "architecture", arch["name"], {name for name in known if _is_model(known[name])}, "--arch"
    )
    # A copy: what is made of parts takes their names out of it.
    given = _untrained({key: value for key, value in arch.items() if key not in ("name", *model_building.OWN)})
    state = paddle.get_rng_state()
    try:
        with paddle.utils.unique_name.guard(), paddle.no_grad():
            model = known[arch["name"]](**given)
            model.eval()
            model(paddle.zeros([1, 3, size, size]))
    except (*WRONG, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
        got = checks.described(f"{size} pixels, on which it fails: {reason[:200]}")
        checks.fail(_OWNER, "--image-size", f"one that {arch['name']} takes", got)
    finally:
        paddle.set_rng_state(state)


def _untrained(section: Any) -> Any:
    """A copy of a section of ``Arch`` in which nothing is downloaded or read."""
    if isinstance(section, dict):
        weights = ("pretrained", "pretrained_list")
        return {key: _untrained(value) for key, value in section.items() if key not in weights}
    return [_untrained(each) for each in section] if isinstance(section, list) else section


def _is_model(component):
    return callable(component) and getattr(component, "__name__", "_")[:1].isupper()
