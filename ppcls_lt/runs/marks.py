"""Which run began last in a folder: what an earlier one left there is no part of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..basis import atomic

_RUN = ".run.json"


def mark(root: str | os.PathLike, arch: str, run: str, replaces: bool = False) -> None:
    """Say that the run named ``run`` begins in this folder; what an earlier run left is no part of it.

    Args:
        root (str or Path): its ``Global.output_dir``.
        arch (str): ``Arch.name``; runs of different architectures may share a folder.
        run (str): its name.
        replaces (bool): it was told to replace what is there.
    """
    path = atomic.make_folder(root) / _RUN
    atomic.sweep(path)
    others = (read_map(path) or {}).get("of", {})
    write_map(path, {"run": run, "of": {**others, arch: run}, "replaces": replaces})


def replaces(root: str | os.PathLike) -> bool:
    """Whether the run that began last in this folder was told to replace what is there."""
    return bool((read_map(Path(root) / _RUN) or {}).get("replaces", False))


def marked(root: str | os.PathLike, arch: str) -> str | None:
    """The name of the run of an architecture that began last in a folder, or None."""
    content = read_map(Path(root) / _RUN) or {}
    return content.get("of", {}).get(arch, content.get("run"))


def write_map(path: Path, content: dict) -> None:
    """Write a map as JSON whole or not at all."""
    atomic.write(path, json.dumps(content, indent=1).encode())


def read_map(path: Path) -> dict | None:
    """Return the map in a JSON file, or None if it is not there or torn."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
