"""Weights that the host downloads: what to do where that fails, and the path that a URL comes to."""

from __future__ import annotations

import importlib
from typing import Any, Callable

from ..basis import checks
from ..basis.checks import ConfigError
from ..runs.checkpoints import WEIGHTS


def weights_at(url: str) -> str:
    """Download weights, unless they are there already; return their path without its ending.

    Raises:
        ConfigError: they cannot be had.
    """
    return importlib.import_module("ppcls.utils.save_load").get_weights_path_from_url(url).removesuffix(WEIGHTS)


def downloading(original: Callable, url: str, *args: Any, **kwargs: Any) -> str:
    """Stand for the host's ``get_weights_path_from_url``; a failure names the URL and the way without a network.

    Args:
        original (callable): the host's.
        url (str): of the weights.

    Raises:
        ConfigError: they cannot be had.
    """
    try:
        return original(url, *args, **kwargs)
    except (RuntimeError, OSError) as error:  # of the host itself; of `requests` and of the disk
        got = checks.described(f"{url}: {type(error).__name__}: {error}", whole=True)
        remedy = "download it where there is a network, and give its path in `Arch.pretrained`"
        must = "be had for `pretrained: true` or a URL"
        raise ConfigError(checks.finding("Arch", "pretrained", must, got, remedy)) from error
