"""Measuring many files: in several processes, kept on the disk so that an interrupted call goes on, with progress."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import io
import os
import re
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from ..basis import atomic, checks, parents
from . import OWNER, measures

BLOCK = 1000  # files whose rows are written together
_TASK = 50  # files that a process takes at once


def scan(
    files: Sequence[str], folder: Path, workers: int, progress: Callable[[int, int, int, float], None]
) -> tuple[np.ndarray, int]:
    """Return a row for each file, array of ``measures.ROW`` ``[U]``, and how many were known from before.

    A file is known where its path, its bytes and the time of its last change are those of a row in the folder.

    Args:
        files (sequence of str): U full paths.
        folder (Path): where the rows are kept.
        workers (int): processes; 1 measures in this one.
        progress (callable): called with the files that are done, all, those done in this call, and its seconds.
    """
    rows, known = _kept(files, folder)
    todo = np.flatnonzero(~known)
    begun, done = time.monotonic(), 0
    progress(int(known.sum()), len(files), 0, 0.0)
    with contextlib.ExitStack() as stack:
        measured: Any = map
        if workers > 1 and todo.size:
            pool = concurrent.futures.ProcessPoolExecutor(workers, initializer=parents.end_with_parent)
            stack.push(lambda kind, *_: pool.shutdown(wait=kind is None, cancel_futures=kind is not None))
            measured = functools.partial(pool.map, chunksize=_TASK)
        for number, start in enumerate(range(0, todo.size, BLOCK), _next_block(folder)):
            block = todo[start : start + BLOCK]
            paths, before = [files[position] for position in block], done
            try:
                for position, row in zip(block.tolist(), measured(measures.measure, paths)):
                    rows[position] = row
                    done += 1
                    progress(int(known.sum()) + done, len(files), done, time.monotonic() - begun)
            except BrokenProcessPool:
                got = checks.described(f"{workers}, of which one was ended, as by a system without memory")
                checks.fail(OWNER, "--workers", "as many processes as the machine can hold", got)
            finally:  # also of one that is interrupted
                if done > before:
                    whole = slice(0, done - before)
                    _write(folder / f"block_{number:06d}.npz", paths[whole], rows[block[whole]])
    return rows, int(known.sum())


def _kept(files, folder):
    """The rows that a folder holds of these files ``[U]``, and which of them it holds."""
    rows, known = np.zeros(len(files), dtype=measures.ROW), np.zeros(len(files), dtype=bool)
    places = {path: place for place, path in enumerate(files)}
    for path in sorted(folder.glob("block_*.npz")):
        for name, row in zip(*_read(path)):
            place = places.get(str(name))
            if place is not None:
                rows[place], known[place] = row, True
    for place in np.flatnonzero(known).tolist():
        kept = int(rows[place]["bytes"]), int(rows[place]["changed"])
        # What could not be opened may be by now, with the same stamp: its rights, a disk that is there again.
        opened = rows[place]["status"] != measures.MISSING or kept == (-1, -1)
        known[place] = opened and kept == measures.stamp(files[place])
    return rows, known


def _read(path):
    """The paths and rows of a block; none of one that is damaged or of another version: its files are measured anew."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            if int(arrays["version"]) == measures.VERSION and arrays["rows"].dtype == measures.ROW:
                return arrays["paths"], arrays["rows"]
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile):
        pass
    return (), ()


def _write(path, paths, rows):
    buffer = io.BytesIO()
    np.savez(buffer, version=np.int64(measures.VERSION), paths=np.array(paths), rows=rows)
    atomic.write(path, buffer.getvalue())


def _next_block(folder):
    numbers = [int(found[1]) for name in os.listdir(folder) if (found := re.fullmatch(r"block_(\d+)\.npz", name))]
    return max(numbers, default=-1) + 1
