"""scripts/environment.sh: a long installation shows that it lives, and a failed one fails."""

import shutil
import subprocess

import pytest

from . import engines

SCRIPT = """
set -euo pipefail
folder="$1"
source scripts/environment.sh
PPCLS_LT_VENV="$1"
sleep() { command sleep 0.1; echo >>"$folder/ticks"; }
step "1 of 1: a package" something
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("status, word", [(0, "done"), (3, "failed")])
def test_a_step_shows_that_it_lives(status, word, tmp_path):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    # The third tick comes when the dots of two are out, however slow the machine is.
    until = f"until [ -e {tmp_path}/ticks ] && [ $(wc -l <{tmp_path}/ticks) -ge 3 ]; do sleep 0.1; done"
    python.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n{until}\nexit {status}\n')
    python.chmod(0o755)
    done = subprocess.run(["bash", "-c", SCRIPT, "bash", tmp_path], cwd=engines.ROOT, capture_output=True, text=True)
    assert done.returncode == status and done.stderr == ""
    assert done.stdout.startswith("1 of 1: a package ..") and f" {word} after " in done.stdout
    assert (tmp_path / "asked").read_text() == "-m pip install -q --disable-pip-version-check --no-compile something\n"
