"""A command line that is forked is what an interpreter that is started would have been."""

import json
import os
import signal
import subprocess
import sys

import pytest

from . import commands, forks
from .forks import PATIENCE

SEEN = """
import atexit, json, os, sys
atexit.register(print, "at the end")
import __main__
assert __main__.__dict__ is globals() and __name__ == "__main__"
loaded = sorted({"ppcls", "ppcls_lt", "paddle"} & set(sys.modules))
paths = [entry for entry in sys.path if "site-packages" not in entry and "lib/python" not in entry]
print(json.dumps([sys.argv, paths, os.getcwd(), os.environ["ONE"], sys.stdout.isatty(), sys.stdin.read(), loaded]))
print(sys.stdout.encoding, file=sys.stderr)
sys.exit(int(os.environ["ONE"]))
"""


def start(arguments, folder, **environment):
    """A command line forked and started by an interpreter: two finished processes."""
    variables = {**os.environ, "PYTHONPATH": str(folder), "PYTHONIOENCODING": "utf-8", **environment}
    assert forks.suits(arguments, variables)
    forked = forks.run(forks.PLAIN, arguments, cwd=folder, environment=variables, timeout=PATIENCE)
    given = {"cwd": folder, "env": variables, "stdin": subprocess.DEVNULL, "capture_output": True}
    return forked, subprocess.run([sys.executable, *arguments], **given)


@pytest.mark.parametrize("form", ["-c", "-m", "script"])
def test_it_sees_the_same_and_ends_the_same(form, tmp_path):
    (tmp_path / "seen.py").write_text(SEEN)
    first = {"-c": ["-c", SEEN], "-m": ["-m", "seen"], "script": ["seen.py"]}[form]
    forked, started = start([*first, "a", "-b"], tmp_path, ONE="3")
    assert forked.stdout == started.stdout and forked.stdout.endswith(b"]\nat the end\n")
    assert (forked.returncode, forked.stderr) == (started.returncode, started.stderr) == (3, b"utf-8\n")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a forked command line ends with all destructors")
def test_destructors_of_what_was_loaded_before_the_fork_are_left_out(tmp_path):
    code = "import atexit, sys; atexit.register(print, 'at the end'); sys.exit(3)"
    forked = forks.run(("ends_itself",), ["-c", code], cwd=tmp_path, environment=dict(os.environ), timeout=PATIENCE)
    assert (forked.returncode, forked.stdout) == (3, b"at the end\n")


def test_what_it_raises_is_said():
    forked, started = start(["-c", "raise KeyError(7)"], "/")
    assert forked.returncode == started.returncode == 1
    assert forked.stderr.splitlines()[-1] == started.stderr.splitlines()[-1] == b"KeyError: 7"


def test_a_signal_and_what_it_leaves_running(tmp_path):
    code = "import os, signal, time\nif os.fork() == 0: time.sleep(10000)\nos.kill(os.getpid(), signal.SIGKILL)"
    forked = forks.run(forks.PLAIN, ["-c", code], cwd=tmp_path, environment=dict(os.environ), timeout=PATIENCE)
    assert forked.returncode == -signal.SIGKILL  # and not that it took too long


def test_one_that_takes_too_long_is_ended(tmp_path):
    code = "import time; print(1, flush=True); time.sleep(10000)"
    for timeout in (1, 5, 25, PATIENCE):  # on a machine that is busy it may not have begun by then
        with pytest.raises(subprocess.TimeoutExpired) as raised:
            forks.run(forks.PLAIN, ["-c", code], cwd=tmp_path, environment=dict(os.environ), timeout=timeout)
        if raised.value.output:
            break
    assert raised.value.output == b"1\n"


@pytest.mark.parametrize("name, value", [("PYTHONWARNINGS", "error"), ("PYTHONIOENCODING", "ascii"), ("FLAGS_x", "1")])
def test_what_is_read_at_the_start_needs_an_interpreter(name, value):
    assert forks.suits(["-c", "pass"], dict(os.environ))
    assert not forks.suits(["-c", "pass"], {**os.environ, name: value})


STARTS = """
import json, os, signal, subprocess, sys
answers = []
for arguments in json.loads(sys.argv[1]):
    done = subprocess.run([sys.executable, *arguments], input=b"given", capture_output=True)
    answers.append([done.returncode, done.stdout.decode(), done.stderr.decode()])
print(json.dumps(answers))
"""
TOLD = """
import os, signal, sys
print(sys.argv, sys.stdin.read(), os.getcwd(), "numpy" in sys.modules, os.getpid() == os.getpgid(0))
print("an error", file=sys.stderr)
if sys.argv[1] == "killed":
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(3)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has what sys.executable needs to fork")
def test_what_it_starts_is_forked_too(tmp_path):
    (tmp_path / "told.py").write_text(TOLD)
    lines = [["told.py", "script"], ["-m", "told", "module"], ["-u", "told.py", "killed"], ["-c", "print(7)"]]
    forked, _ = start(["-c", STARTS, json.dumps(lines)], tmp_path)
    assert forked.returncode == 0, forked.stderr.decode()
    script, module, killed, code = json.loads(forked.stdout)
    assert script == [3, f"['told.py', 'script'] given {tmp_path} True True\n", "an error\n"]
    assert module == [3, f"['{tmp_path}/told.py', 'module'] given {tmp_path} True True\n", "an error\n"]
    assert killed[0] == -signal.SIGKILL, killed
    assert "['told.py', 'killed'] given" in killed[1]
    assert code == [0, "7\n", ""]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has what sys.executable needs to fork")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_what_it_starts_ends_that(number, tmp_path):
    (tmp_path / "sleeps.py").write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(100)\n")
    code = "import subprocess, sys\nrun = subprocess.Popen([sys.executable, 'sleeps.py'], stdout=subprocess.PIPE)\n"
    code += f"pid = int(run.stdout.readline())\nrun.send_signal({int(number)})\nprint(pid, run.wait())\n"
    forked = forks.run(forks.PLAIN, ["-c", code], cwd=tmp_path, environment=dict(os.environ), timeout=PATIENCE)
    pid, status = map(int, forked.stdout.split())
    assert status == -number
    commands.wait(lambda: not os.path.exists(f"/proc/{pid}"))
