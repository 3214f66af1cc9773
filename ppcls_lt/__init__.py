"""Long-tailed image classification for PaddleClas.

Importing this package imports neither Paddle nor PaddleClas: ``register()``
does, and so does any submodule that computes with tensors.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

# Paddle 2.6 crashes in zlib when zlib was imported after Paddle's core; `import paddle` alone does that.
_ORDER = list(sys.modules)
if "paddle.base.libpaddle" in _ORDER and sys.modules["paddle"].__version__.startswith("2."):
    if "zlib" not in (*sys.builtin_module_names, *_ORDER[: _ORDER.index("paddle.base.libpaddle")]):
        raise ImportError(
            "ppcls_lt must be imported before paddle: Paddle 2.6 crashes where zlib comes after it; "
            "move `import ppcls_lt` above `import paddle`"
        )
import zlib  # noqa: E402, F401

from .basis.checks import ConfigError  # noqa: E402

if TYPE_CHECKING:
    from .api import compare, evaluate, train

__all__ = ["ConfigError", "__version__", "compare", "evaluate", "register", "train"]

__version__ = "0.2.0.dev0"


def __getattr__(name: str) -> Any:
    """Load what Python users train with when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import api

    return getattr(api, name)


def register(*, replace: Iterable[str] = (), plugins: Iterable[str] = ()) -> None:
    """Make PaddleClas know every loss, sampler, architecture, metric and data set that is registered.

    Finds a PaddleClas that can train, repairs what a newer Paddle breaks in it,
    publishes the names in its factories and lets its ``Engine`` understand
    ``num_class_list: auto``, ``Arch.classifier``, ``Callbacks``, ``Stages`` and
    recipes, and go on from a checkpoint as if nothing had happened. Called again, it
    publishes what has been registered since.

    Args:
        replace (sequence of str): names of PaddleClas's own that this package
            may take over. Without it, a name that both have is an error.
        plugins (sequence of str): modules of your own to import first, as ``Global.plugins``
            names them, from the working folder or Python's path.

    Raises:
        ConfigError: no PaddleClas with a training engine was found, a name of
            this package is already one of PaddleClas's, or a plugin cannot be imported.
    """
    from .engine import trainer

    trainer.register(replace=replace, plugins=plugins)
