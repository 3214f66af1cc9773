"""A training of a comparison, in as many processes as its configuration says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from .. import host
from ..basis.checks import ConfigError
from ..configuration import processes
from ..engine import trainer
from . import rank

# Beside the configuration: a file of what each process prints, as Paddle's launcher names them.
LOGS = "processes"
_MISTAKE = re.compile("^ppcls-lt: error: (.*)$", re.MULTILINE)


def train(path: Path) -> None:
    """Train what a file says; with several processes by Paddle's launcher, with one in this.

    Args:
        path (Path): the YAML file, which may stand in a run's folder alone.

    Raises:
        ConfigError: the configuration is not valid here.
        RuntimeError: one of several processes has failed.
    """
    trainer.register()
    number = processes.of_config(host.load_config(path, []))
    if number == 1:
        trainer.run_engine("train", path)
        return
    logs = path.parent / LOGS
    launcher = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", str(number)]
    command = [*launcher, "--log_dir", str(logs), rank.__file__, str(path)]
    # In this process's group, so that it ends with it; the processes that it starts see to that themselves.
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    written = {each.name: each.read_text(errors="replace") for each in sorted(logs.glob("workerlog.*"))}
    for name, text in written.items():
        print(f"{name}:\n{text}", flush=True)
        os.unlink(logs / name)
    if done.returncode:
        mistakes = [mistake for text in written.values() for mistake in _MISTAKE.findall(text)]
        if mistakes:
            raise ConfigError("\n".join(dict.fromkeys(mistakes)))
        raise RuntimeError(_failure(written) or f"Paddle's launcher ended with status {done.returncode}")


def _failure(written):
    """The last error that a process wrote; where one fails the launcher ends the others, who then say less."""
    lines = [line.strip() for text in written.values() for line in text.splitlines()]
    errors = [line for line in lines if re.match(r"[\w.]*Error\b", line)]
    return errors[0] if errors else None
