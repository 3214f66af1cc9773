"""The host's Engine, built for a mode and let to work."""

from __future__ import annotations

import importlib

from .engine import EngineView


def built(config: dict, mode: str) -> EngineView:
    """Build an Engine; return its view.

    Args:
        config (AttrDict): the host's configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
    """
    return EngineView(importlib.import_module("ppcls.engine.engine").Engine(config, mode=mode))


def run(config: dict, mode: str) -> EngineView:
    """Build an Engine and let it work; return its view. See :func:`built`."""
    engine = built(config, mode)
    engine.work()
    return engine
