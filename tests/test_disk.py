"""A disk that is full or cannot be written: one line, and the last whole checkpoint goes on."""

import os
import resource
import sys

import paddle
import pytest

from ppcls_lt.callbacks import Callback
from ppcls_lt.engine import exporting
from ppcls_lt.runs import checkpoints

from . import commands, engines

pytestmark = pytest.mark.slow


class Full(Callback):
    """In the epoch that the variable FULL names no file may grow beyond 100 kB, as on a full disk."""

    def on_epoch_start(self, run):
        if os.environ.get("FULL") == str(run.epoch):
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))


# A command of which no file may grow beyond 100 kB.
CUT_OFF = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
from ppcls_lt.commands.main import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    data = engines.write_digits(folder / "digits")
    settings = engines.packaged("ce", data, "out", epochs=2, eval_during_train=True)
    settings["Callbacks"] = [{"tests.test_disk.Full": None}]
    engines.write_yaml(settings, folder / "config.yaml")
    return folder


def train(place, *flags, **environment):
    arguments = ["train", "-c", "config.yaml", *flags]
    return commands.run(place, *arguments, environment=environment)


def test_a_full_disk_ends_the_training_in_one_line_and_it_goes_on_when_there_is_room(place):
    done = train(place, FULL="2")
    assert done.returncode == 2, done.errors
    assert done.errors.splitlines()[-1].startswith("ppcls-lt: error: Global: `output_dir` must be a folder that can be")
    assert "File too large; the last whole checkpoint is kept" in done.errors and "Traceback" not in done.errors
    first = train(place, "-o", "Global.output_dir=first", FULL="1")
    assert first.returncode == 2 and first.errors.splitlines()[-1].endswith("got first: File too large")
    out = place / "out"
    assert not [path for path in out.rglob("*") if path.name.endswith((".tmp", ".saving"))]
    assert not (out / ".lock").exists()
    path, manifest = checkpoints.newest(out, "CIFARResNet8")
    assert path.name == "latest" and manifest["epoch"] == 1
    done = train(place, "--resume")
    assert done.returncode == 0, done.errors
    assert checkpoints.newest(out, "CIFARResNet8")[1]["epoch"] == 2


@pytest.mark.parametrize("more", [(), ("--serving",)])
def test_an_export_that_a_full_disk_cuts_off_fails(more, place):
    """Paddle's own writers tell nothing of it."""
    assert train(place, "--overwrite").returncode == 0
    flags = ["-o", "Global.save_inference_dir=served", *more]
    done = commands.run(place, "-c", CUT_OFF, "export", "--run", "out", *flags, code=())
    assert done.returncode == 2, done.output + done.errors
    assert "`save_inference_dir` must be a folder that can be written, got served, where what was " in done.errors
    assert done.errors.splitlines()[-1].endswith(" or is shorter than its weights, as on a full disk")
    assert "Traceback" not in done.errors
    done = commands.run(place, "export", "--run", "out", *flags)
    assert done.returncode == 0, done.output + done.errors


def test_what_is_quantised_has_another_name(tmp_path):
    """`Slim.quant` of PaddleClas writes inference_int8.* alone."""
    with paddle.utils.unique_name.guard():
        layer = paddle.nn.Linear(2, 3)
        paddle.jit.save(layer, str(tmp_path / "inference_int8"), [paddle.static.InputSpec([None, 2])])
    assert exporting._is_whole(tmp_path, "inference_int8") and not exporting._is_whole(tmp_path, "inference")


def test_folders_that_cannot_be_written_are_named_before_any_training(place):
    (place / "file").write_text("")
    assert train(place, "-o", "Global.output_dir=whole", "-o", "Global.epochs=1").returncode == 0
    weights = f"Global.pretrained_model={place}/whole/CIFARResNet8/latest"
    for mode, key, more in (
        ("train", "output_dir", ()),
        ("export", "save_inference_dir", ("-o", weights)),
    ):
        done = commands.run(place, mode, "-c", "config.yaml", "-o", f"Global.{key}=file/out", *more)
        assert done.returncode == 2, done.errors
        last = done.errors.splitlines()[-1]
        assert last.startswith(f"ppcls-lt: error: Global: `{key}` must be a folder that can be made and written, got ")
        assert "'file/out', sought in " in last and last.endswith(": Not a directory")
        assert "Traceback" not in done.errors
    done = commands.run(place, "report", "whole", "--out", "file/out")
    commands.fails(done, "`--out` must be a folder that can be made and written, got file/out: Not a directory")


@pytest.mark.parametrize("filtered", ["", "handler.addFilter(lambda record: True)\n"])
def test_a_log_that_cannot_be_written_is_said_once(tmp_path, filtered):
    script = "import logging, sys; from ppcls_lt.basis import disk\n"
    script += "handler = logging.FileHandler('/dev/full'); disk.tell_once(handler)\n" + filtered
    script += "logging.getLogger().addHandler(handler)\nfor _ in range(3): logging.error('x')\n"
    done = commands.run(tmp_path, code=("-c", script))
    assert done.errors == "the log /dev/full cannot be written: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
@pytest.mark.parametrize("recipe, stride", [("tau_norm", 11), ("ce", 9)])
def test_a_kill_between_any_two_files_leaves_a_run_that_comes_to_the_same_end(recipe, stride, place, tmp_path):
    """One epoch and, of one recipe, a stage of none: every save here is the first of its kind or the last."""
    flags = [f"Global.recipe={recipe}", "Global.epochs=1", "Global.save_interval=1"]
    done = engines.run(["-m", "tests.killed", place / "config.yaml", tmp_path, stride, *flags], cwd=place)
    assert done.returncode == 0 and " attempts" in done.stdout, done.stdout[-3000:]
