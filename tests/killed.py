"""Killed at every so many-th change of a file and resumed: ``python -m tests.killed CONFIG OUT STRIDE [OVERRIDE ...]``.

Every attempt is a process of its own, forked from this one, in which Paddle is imported and has done nothing. Prints
how many changes there are and how many attempts were made; ends with status 1 and a line where an end differs.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import paddle

from ppcls_lt.engine import trainer
from ppcls_lt.runs import files as run_files
from ppcls_lt.runs import history

CHANGES = ("replace", "unlink")
_MOMENT = ("seconds", "time")  # of a record of the history


def child(action):
    """Do it in a process of its own; return the status, or None if it was killed."""
    process = os.fork()
    if process == 0:
        try:
            sys.stdout.flush()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            action()
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
    status = os.waitpid(process, 0)[1]
    return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def counted(count, at=None, told=None):
    """Count the changes; be killed before change ``at``, or write down how many there were."""
    for name in CHANGES:
        original = getattr(os, name)

        def call(*args, _original=original, **kwargs):
            if count[0] == at:
                os.kill(os.getpid(), signal.SIGKILL)
            count[0] += 1
            return _original(*args, **kwargs)

        setattr(os, name, call)


def run(config, folder, overrides):
    trainer.run_engine("train", Path(config), [*overrides, f"Global.output_dir={folder}", "Global.resume=True"])


def end(folder):
    """What a finished run leaves, less what names the moment."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if any(part.startswith(".") for part in Path(name).parts) and not name.endswith(".tmp"):
            continue
        if path.suffix in (".pdparams", ".pdopt"):
            content = paddle.load(str(path), return_numpy=True)
            found[name] = repr([(k, getattr(v, "tobytes", lambda v=v: v)()) for k, v in flat(content)])
        elif path.name == run_files.FILES["train"].history:
            found[name] = repr(
                [{key: record[key] for key in record if key not in _MOMENT} for record in history.read(path)]
            )
        elif path.name == run_files.FILES["train"].predictions:
            found[name] = repr([(key, value.tobytes()) for key, value in sorted(np.load(path).items())])
        elif path.is_file() and path.suffix != ".log":
            found[name] = path.name  # the others name a moment, a place or a process
    return found


def flat(content, place=""):
    if isinstance(content, dict):
        return [each for key, inner in content.items() for each in flat(inner, f"{place}/{key}")]
    if isinstance(content, list):
        return [each for key, inner in enumerate(content) for each in flat(inner, f"{place}/{key}")]
    return [(place, content)]


def main(config, out, stride, *overrides):
    trainer.register()
    out = Path(out)
    whole, told = out / "whole", out / "changes"

    def first():
        count = [0]
        counted(count)
        run(config, whole, overrides)
        told.write_text(str(count[0]))

    if child(first) != 0:
        return 1
    changes = int(told.read_text())
    expected = end(whole)
    attempts = range(int(stride) // 2, changes, int(stride))
    for at in attempts:
        folder = out / f"killed_{at}"

        def killed(at=at, folder=folder):
            counted([0], at)
            run(config, folder, overrides)

        if child(killed) is not None:
            print(f"not killed at {at}")
            return 1
        if child(lambda folder=folder: run(config, folder, overrides)) != 0:
            print(f"killed at {at}: could not go on")
            return 1
        found = end(folder)
        if found != expected:
            names = sorted(name for name in {**found, **expected} if found.get(name) != expected.get(name))
            print(f"killed at {at}: another end: {names}")
            return 1
        shutil.rmtree(folder)
    print(f"{changes} changes, {len(attempts)} attempts")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
