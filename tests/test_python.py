"""`train`, `evaluate` and `compare` of Python: the same as the command line, and nothing of them stays behind."""

import csv
import functools
import io
import json
import logging
import os
import random
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

import ppcls_lt
from ppcls_lt import ConfigError
from ppcls_lt.data.demo import write_digits

from . import commands, forks
from .forks import PATIENCE

SMALL = {"arch": "CIFARResNet8", "image_size": 16, "options": {"Global.print_batch_step": 1000}}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the digits below `digits/train`, in which the module works."""
    folder = tmp_path_factory.mktemp("python")
    write_digits(folder / "digits")
    before = os.getcwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def training(home):
    random.seed(5)
    np.random.seed(5)
    return ppcls_lt.train("digits/train", "first", recipe="ldam_drw", epochs=2, **SMALL)


def found(folder):
    """What every evaluation of a training found, times left out, and the bytes of its last weights."""
    (metrics,) = Path(folder).glob("**/metrics.jsonl")
    records = [json.loads(line) for line in metrics.read_text().splitlines()]
    for record in records:
        record.pop("seconds")
    weights = next(Path(folder).glob("CIFARResNet8/latest.pdparams"), Path(folder, "latest.pdparams"))
    return records, weights.read_bytes()


@pytest.mark.slow
def test_training_equals_the_command_line_to_the_digit(training, home):
    assert training.config == Path("first/train.yaml") and training.folder == Path("first/output")
    done = commands.run(home, "train", "-c", "first/train.yaml", "-o", "Global.output_dir=command")
    assert done.returncode == 0, done.errors
    assert found("command") == found(training.folder)


@pytest.mark.slow
def test_a_second_training_of_one_process_equals_the_first_and_leaves_nothing_behind(training, home):
    random.seed(5)
    expected = random.random()
    random.seed(5)
    np.random.seed(7)
    drawn = np.random.rand()
    np.random.seed(7)
    handlers = list(logging.getLogger("ppcls").handlers)
    (log,) = Path("first/output").glob("**/train.log")
    before = log.read_text()
    second = ppcls_lt.train("digits/train", Path("second"), recipe="ldam_drw", epochs=2, **SMALL)
    assert found(second.folder) == found(training.folder) and second.accuracy == training.accuracy
    assert (random.random(), np.random.rand()) == (expected, drawn)
    assert logging.getLogger("ppcls").handlers == handlers and log.read_text() == before
    (log,) = Path("second/output").glob("**/train.log")
    assert log.read_text().count("[Eval][Epoch 1][Avg]") == 1


@pytest.mark.slow
def test_the_result_has_what_the_run_found(training, home):
    records, _ = found(training.folder)
    values = records[-1]["values"]
    assert training.epoch == 2 and training.best_checkpoint.is_file() and training.best_epoch in (1, 2)
    assert training.accuracy == pytest.approx(
        {name: values[name] for name in ("overall", "balanced", "many", "medium", "few")}, abs=1e-6
    )
    assert list(training.recall) == list("0123456789")
    assert {part: path.is_file() for part, path in training.lists.items()} == dict.fromkeys(
        ("train", "val", "test"), True
    )
    groups = training.table()
    assert [row[0] for row in groups] == ["overall", "balanced", "many", "medium", "few"]
    assert groups.rows[0][3] == training.accuracy["overall"] and f"{100 * groups.rows[0][3]:.1f}" in groups.text
    assert [row[0] for row in training.table("classes")] == list("0123456789")
    assert [row[0] for row in training.table("epochs")] == [1, 2]
    assert "<table>" in training._repr_html_() and "first/train.yaml" in repr(training)
    with pytest.raises(ConfigError, match="must be one of groups, classes, epochs"):
        training.table("class")


@pytest.mark.slow
def test_evaluating_equals_the_command_line(training, home):
    made = ppcls_lt.evaluate(training, training.lists["test"], out="judged")
    flags = ["-o", "DataLoader.Eval.dataset.cls_label_path=first/test.txt", "-o", "Global.output_dir=by_command"]
    assert commands.run(home, "eval", "--run", "first/output", *flags).returncode == 0
    first, second = (next(Path(folder).glob("**/eval_metrics.jsonl")) for folder in ("judged", "by_command"))
    assert first.read_text() == second.read_text()
    assert made.accuracy["overall"] == pytest.approx(json.loads(first.read_text())["values"]["overall"], abs=1e-6)
    assert sum(row[3] for row in made.table("classes")) == len(Path("first/test.txt").read_text().splitlines())
    page = made.report()
    assert page.path == Path("judged/report.html") and "<iframe" in page._repr_html_()
    assert made.pictures()["per_class"]._repr_png_().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_training_without_a_validation_list_says_how_it_is_evaluated(home):
    made = ppcls_lt.train("digits/train", "unjudged", epochs=1, lists={"val_fraction": 0}, quiet=True, **SMALL)
    for asked in (lambda: made.epoch, lambda: made.accuracy, lambda: made.history, made.table, made.report):
        with pytest.raises(ConfigError, match=r"^train: unjudged/output holds a training without any evaluation; `ev"):
            asked()
    assert 0 <= ppcls_lt.evaluate(made.folder, quiet=True).accuracy["overall"] <= 1


@pytest.mark.slow
def test_ctrl_c_leaves_a_training_that_goes_on(training, home):
    def interrupt():
        while not list(Path("stopped/output").glob("**/epoch_1.pdparams")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    threading.Thread(target=interrupt, daemon=True).start()
    asked = {"recipe": "ldam_drw", "epochs": 2, **SMALL}
    with pytest.raises(KeyboardInterrupt):
        ppcls_lt.train("digits/train", "stopped", **asked)
    assert signal.getsignal(signal.SIGINT) == handler
    with pytest.raises(ConfigError, match="`out` must be a new folder, or given with resume=True or overwrite=True"):
        ppcls_lt.train("digits/train", "stopped", **asked)
    with pytest.raises(ConfigError, match="`resume` must be used with the data that the training began with"):
        ppcls_lt.train("digits/train", "stopped", resume=True, lists={"seed": 1}, **asked)
    ppcls_lt.train("digits/train", "./stopped/", resume=True, **asked)
    assert found("stopped/output") == found(training.folder)


@pytest.mark.parametrize(
    "keywords, sentence",
    [
        ({"epoch": 1}, "train: unknown keyword 'epoch' (did you mean 'epochs'?)"),
        ({"epochs": "two"}, "train: `epochs` must be an integer >= 1, got 'two' (str)"),
        ({"arch": "CIFARResNet9"}, "unknown architecture 'CIFARResNet9' (did you mean 'CIFARResNet8'?)"),
        ({"recipe": "ldam_dwr"}, "did you mean 'ldam_drw'?"),
        ({"recipe": []}, "train: `recipe` must be a recipe's name or path, or a list of those that are laid together"),
        ({"recipe": ["ldam", 3]}, "train: `recipe` must be a recipe's name or path, or a list"),
        ({"recipe": ["ldam", "vs"]}, "of which no two are of the kind loss, got ldam and vs"),
        ({"lists": {"val_fractoin": 1}}, "unknown flag --val-fractoin (did you mean 'val_fraction'?)"),
        ({"lists": {"val_fraction": 2}}, "`val_fraction` must be a finite number >= 0 and < 1, got 2.0 (float)"),
        ({"options": {"Global.epoch": 3}}, "unknown key 'epoch' (did you mean 'epochs'?); `-o Global.allow_new"),
        (
            {"classes": ["a", "b"]},
            "`classes` must be used with a table or lists, which this folder is without, got the names",
        ),
        ({"out": "digits/train/new"}, '`out="digits/lists"` lies beside it'),
        ({"options": ["Global.epochs=3"]}, "train: `options` must be a map"),
        ({"data": "nowhere"}, "`data` must be"),
        ({"data": {"Arch": {}}, "classes": ["a"]}, "`classes` must be left out where `data` is a configuration"),
        ({"overwrite": 1}, "train: `overwrite` must be true or false, got 1 (int)"),
    ],
)
def test_a_mistake_is_an_exception_with_the_sentence_of_the_command(keywords, sentence, home):
    with pytest.raises(ConfigError) as error:
        ppcls_lt.train(**{"data": "digits/train", "out": "wrong", **SMALL, **keywords})
    assert sentence in str(error.value)


def test_what_is_in_the_folder_is_not_replaced_unasked(home):
    Path("taken").mkdir()
    Path("taken/train.txt").write_text("mine 0\n")
    with pytest.raises(ConfigError, match="`out` must be a new folder, or given with overwrite=True, got taken/train"):
        ppcls_lt.train("digits/train", "taken", recipe="nothing_of_this_name", **SMALL)
    assert Path("taken/train.txt").read_text() == "mine 0\n" and not Path("taken/train.yaml").exists()


@pytest.mark.parametrize(
    "keywords, sentence",
    [
        ({"recipes": ["lda"]}, "did you mean 'ldam'?"),
        ({"seeds": [0, 0]}, "`seeds` must be different numbers"),
        ({"flags": {"folds": 1}}, "`folds` must be an integer >= 2, got 1"),
        ({"flags": {"adjust": "temperature"}}, "`adjust` must be of logit_adjustment, tau_norm"),
        ({"rank_by": "worst"}, "invalid choice"),
        (
            {"flags": {"jobs": 2}},
            "`flags` must be flags that are no keywords of the call, got 'jobs', which is one; give it as "
            "`compare(..., jobs=...)`",
        ),
        ({"flags": {"override": "a=1"}}, "got 'override', which is one; give it as `compare(..., options=...)`"),
        ({"flags": {"dry_run": True}}, "without dry_run, got 'dry_run'"),
        ({"flags": {"dry-run": True}}, "without dry_run, got 'dry-run'"),
        ({"flags": {"rank-by": "few"}}, "got 'rank-by', which is one; give it as `compare(..., rank_by=...)`"),
    ],
)
def test_a_comparison_that_is_refused_leaves_nothing(keywords, sentence, home):
    with pytest.raises(ConfigError) as error:
        ppcls_lt.compare("digits/train", "not there/at all", arch="CIFARResNet8", image_size=16, **keywords)
    assert sentence in str(error.value)
    assert not Path("not there").exists()


def test_no_list_of_an_earlier_call_is_left(home):
    read = functools.partial(ppcls_lt.api.source.read, "train", "digits/train", "again", image_size=16)
    with read(arch="CIFARResNet8").written("train"):
        pass
    test = Path("again/test.txt").read_bytes()
    anew = read(arch="CIFARResNet8", lists={"test_fraction": 0})
    with pytest.raises(ConfigError, match="got again/t.*.txt, which holds something else"), anew.written("train"):
        pass
    with pytest.raises(ConfigError, match="no"), anew.written("train", overwrite=True):
        assert not Path("again/test.txt").exists()
        raise ConfigError("no")
    assert Path("again/test.txt").read_bytes() == test
    with anew.written("train", overwrite=True):
        pass
    assert sorted(path.name for path in Path("again").iterdir()) == ["label.txt", "train.txt", "train.yaml", "val.txt"]


def test_what_was_in_the_folder_is_there_again_after_a_refused_call(home):
    Path("mended").mkdir()
    Path("mended/note").write_text("mine")
    made = ppcls_lt.api.source.read("train", "digits/train", "mended", image_size=16, arch="CIFARResNet8")
    kept = {"mended/train.yaml": b"# made by: an earlier call\n", "mended/val.txt": b"other\n"}
    for name, content in kept.items():
        Path(name).write_bytes(content)
    with pytest.raises(ConfigError, match="no"), made.written("train", overwrite=True):
        assert Path("mended/train.txt").is_file() and Path("mended/val.txt").read_bytes() != b"other\n"
        raise ConfigError("no")
    assert {str(path): path.read_bytes() for path in Path("mended").iterdir()} == {**kept, "mended/note": b"mine"}
    with pytest.raises(ConfigError, match="no"), made.written("train", overwrite=True):
        made.output.mkdir()  # a training has begun
        raise ConfigError("no")
    assert Path("mended/train.txt").is_file() and Path("mended/train.yaml").read_bytes() == kept["mended/train.yaml"]


def test_a_configuration_that_was_edited_is_replaced_only_where_that_is_said(home):
    made = ppcls_lt.api.source.read("train", "digits/train", "edited", image_size=16, arch="CIFARResNet8")
    with made.written("train"):
        pass
    path = Path("edited/train.yaml")
    again = ppcls_lt.api.source.read("train", "digits/train", "edited", image_size=16, arch="CIFARResNet8", epochs=7)
    with again.written("train"):  # which nobody has changed
        pass
    text = path.read_text()
    path.write_text(text.replace("epochs: 7", "epochs: 7  # mine"))
    with again.written("train"):  # and says the same
        pass
    path.write_text(text.replace("epochs: 7", "epochs: 8"))
    with pytest.raises(ConfigError, match="edited/train.yaml, which holds something else"), again.written("train"):
        pass
    assert "epochs: 8" in path.read_text()
    with again.written("train", overwrite=True):
        pass
    assert "epochs: 7" in path.read_text()


def test_a_configuration_is_changed_by_keywords_and_options(home):
    from ppcls_lt.api import source

    base = yaml.safe_load((commands.ROOT / "configs/digits/ce.yaml").read_text())
    asked = {"epochs": 3, "batch_size": 8, "seed": 4, "recipe": "ldam", "options": {"Global.print_batch_step": 7}}
    made = [source.read("train", data, "here", **asked).config for data in ("digits/ce.yaml", base)]
    assert made[0] == made[1]
    section = made[0]["Global"]
    assert [section[name] for name in ("epochs", "seed", "recipe", "print_batch_step")] == [3, 4, "ldam", 7]
    assert section["output_dir"] == "here/output"
    assert made[0]["DataLoader"]["Train"]["sampler"]["batch_size"] == 8
    assert made[0]["Loss"] == base["Loss"]


@pytest.mark.parametrize("recipe", [["ldam_drw", "mixup"], ("mixup", "ldam_drw"), "ldam_drw+mixup"])
def test_several_recipes_are_a_list_as_in_a_configuration(recipe, home):
    from ppcls_lt.api import source
    from ppcls_lt.configuration import stages

    base = yaml.safe_load((commands.ROOT / "configs/digits/ce.yaml").read_text())
    wanted = stages.plan(
        {**base, "Global": {**base["Global"], "recipe": "ldam_drw+mixup", "output_dir": "here/output"}}
    )
    made = source.read("train", "digits/ce.yaml", "here", recipe=recipe)
    assert stages.plan(made.config) == wanted and made.told == []
    base["Global"]["recipe"] = "vs"
    told = source.read("train", base, "here", recipe=recipe).told
    assert told == ["recipe ldam_drw+mixup takes the place of Global.recipe: vs"]


def test_a_candidate_of_several_recipes_is_a_list_in_the_list():
    from ppcls_lt.api import comparing

    assert comparing._candidates("compare", ["vs", ["ldam_drw", "mixup"]]) == ["vs", "ldam_drw+mixup"]
    assert comparing._candidates("compare", "vs") == ["vs"] and comparing._candidates("compare", None) is None
    with pytest.raises(ConfigError, match="compare: `recipes` must be a recipe's name or path, or a list of those"):
        comparing._candidates("compare", ["vs", []])


def test_names_of_classes_are_given_as_a_list(home):
    folder = home / "listed"
    folder.mkdir()
    for part in ("train", "val"):
        (folder / f"{part}.txt").write_text((home / "digits" / f"{part}.txt").read_text())
    from ppcls_lt.api import source

    names = [f"digit {label}" for label in range(10)]
    asked = {"classes": names, "lists": {"image_root": "digits"}, "image_size": 16, "arch": "CIFARResNet8"}
    made = source.read("train", folder, "named", **asked)
    assert made.files["named/label.txt"].decode().splitlines() == [f"{n} {name}" for n, name in enumerate(names)]
    assert "named/names.txt" in made.files and not Path("named").exists()


# No guard of `__main__`, as in a notebook; and modules that are found by `sys.path` alone.
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from ppcls_lt import compare
found = compare("digits/train", "compared", recipes="ldam", epochs=1, arch="CIFARResNet8", image_size=16,
                flags={{"adjust": "none"}})
print("LISTS", *sorted(found.lists))
print("FOUND", found.chosen, found.complete, *found.accuracy, len(found.table()), found.folder, found.best)
"""


@pytest.mark.slow
def test_comparing_in_a_script_without_a_guard_equals_the_command(home):
    Path("script.py").write_text(SCRIPT.format(root=str(commands.ROOT)))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = forks.run(forks.WITH_PADDLE, ["script.py"], cwd=home, environment=environment, timeout=PATIENCE)
    said = done.stdout.decode()
    assert done.returncode == 0, said + done.stderr.decode()
    assert "LISTS test train\n" in said  # nothing is held out but by folds
    base = yaml.safe_load(Path("compared/train.yaml").read_text(encoding="utf-8"))
    assert base["DataLoader"]["Eval"]["dataset"]["cls_label_path"] == "compared/test.txt"
    assert "eval_is_validation" not in base["Global"]
    last = said.splitlines()[-1].split()
    assert last[0] == "FOUND" and last[2] == "True"
    assert last[5:] == ["2", "compared/output/compare", "compared/output/compare/best.yaml"]
    table = Path("compared/output/compare/comparison.csv").read_bytes()
    ranked = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    assert set(last[3:5]) == {"base", "ldam"} and last[1] == ranked[0]["recipe"]
    flags = ["--recipes", "ldam", "--adjust", "none"]
    again = commands.run(home, "compare", "-c", "compared/train.yaml", *flags)
    assert again.returncode == 0 and ": 2 runs are finished, 0 to do" in again.output, again.output + again.errors
    assert Path("compared/output/compare/comparison.csv").read_bytes() == table
