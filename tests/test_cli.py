"""The command line itself: slips, no command at all, a reader that leaves, interruptions."""

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ppcls_lt.commands import interrupts
from ppcls_lt.commands import main as cli

from . import commands
from .forks import PATIENCE


def refused(arguments, capsys):
    """What a slip prints on standard error."""
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    return capsys.readouterr().err


def test_no_command_lists_the_commands(capsys):
    assert cli.main([]) == 2
    output = capsys.readouterr().out
    for name in (
        "train",
        "eval",
        "infer",
        "export",
        "recipes",
        "run",
        "lists",
        "folders",
        "counts",
        "make-lt",
        "split",
        "audit",
        "report",
        "compare",
        "adjust",
        "decide",
        "predict",
        "paddlex",
    ):
        assert f"\n    {name} " in output


@pytest.mark.parametrize(
    "arguments, usage, message",
    [
        (["trian", "-c", "x.yaml"], "ppcls-lt", "unknown command 'trian' (did you mean 'train'?)"),
        (["train", "--recip", "ldam"], "ppcls-lt train", "unknown flag --recip (did you mean '--recipe'?)"),
        (["train", "-c", "x.yaml", "--epochs=3"], "ppcls-lt train", "unknown flag --epochs\n"),
        (["eval", "-c", "x.yaml", "--resumee"], "ppcls-lt eval", "unknown flag --resumee"),
        (["counts", "--delimeter", ",", "x.txt"], "ppcls-lt counts", "(did you mean '--delimiter'?)"),
        (["compare", "-c", "x.yaml", "--seed", "1"], "ppcls-lt compare", "(did you mean '--seeds'?)"),
        (["split", "x.txt", "--train_out", "a"], "ppcls-lt split", "(did you mean '--train-out'?)"),
        (["report", "a", "b"], "ppcls-lt report", "unknown argument 'b'"),
        (["train"], "ppcls-lt train", "required: -c/--config"),
        (["--versoin"], "ppcls-lt", "unknown flag --versoin (did you mean '--version'?)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_shows_the_commands_own_usage(arguments, usage, message, capsys):
    errors = refused(arguments, capsys)
    assert errors.startswith(f"usage: {usage} [") and message in errors


def test_a_scripts_own_flags_are_left_to_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:])\n")
    done = commands.run(tmp_path, "run", script, "--anything", "-x")
    assert done.returncode == 0 and "['--anything', '-x']" in done.output, done.errors


def test_the_package_is_a_command_too(tmp_path):
    done = commands.run(tmp_path, "--version", code=("-m", "ppcls_lt"))
    assert done.returncode == 0 and done.output.startswith("ppcls-lt ")


def test_a_reader_that_leaves_ends_the_command_quietly(tmp_path):
    """As in ``ppcls-lt recipes | head``: here the reader is gone before the first line."""
    command = [sys.executable, "-m", "ppcls_lt", "recipes"]
    process = subprocess.Popen(
        command, cwd=commands.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=None, text=True
    )
    process.stdout.close()
    assert (process.stderr.read(), process.wait(PATIENCE)) == ("", 141)


@pytest.mark.skipif(not Path("/proc/self/maps").is_file(), reason="the system does not say what a process has loaded")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_while_paddle_is_imported_is_one_line(number):
    """Paddle's core took the exception for a fault of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ppcls_lt", "eval", "-c", "digits/ce.yaml"],
        cwd=commands.ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    maps = Path(f"/proc/{process.pid}/maps")
    commands.wait(lambda: "libpaddle" in maps.read_text(), "Paddle's core")
    process.send_signal(number)
    assert (process.communicate(timeout=PATIENCE)[1], process.returncode) == ("\nppcls-lt: interrupted\n", 128 + number)


@pytest.mark.parametrize(
    "argv, expected",
    [
        (["train", "-c", "my own.yaml"], "ppcls-lt train -c 'my own.yaml' --resume"),
        (["train", "-c", "x.yaml", "--resume"], "ppcls-lt train -c x.yaml --resume"),
        (["train", "-c", "x.yaml", "--overwrite"], "ppcls-lt train -c x.yaml --resume"),
        (["train", "-c", "x.yaml", "-o", "Global.checkpoints=a/epoch_1"], "ppcls-lt train -c x.yaml --resume"),
        (["train", "-oGlobal.checkpoints=a/epoch_1", "-o", "a=b"], "ppcls-lt train -o a=b --resume"),
        (["run", "tools/train.py", "-c", "x.yaml"], "ppcls-lt run tools/train.py -c x.yaml -o Global.resume=True"),
        (["audit", "x.txt", "--out", "a"], "ppcls-lt audit x.txt --out a"),
        (["eval", "-c", "x.yaml"], None),
    ],
)
def test_the_way_on(argv, expected):
    assert interrupts.way_on(argv[0], argv) == expected
    if expected is not None:
        assert shlex.split(expected)[0] == "ppcls-lt"
