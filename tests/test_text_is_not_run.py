"""From the command line: text stays text, and a user's code is imported last."""

import os
from pathlib import Path

import pytest

from ppcls_lt.basis import yaml_files
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import main as cli
from ppcls_lt.engine import trainer

from . import engines

CODE = "__import__('os').system('touch gone')"
CHECKOUT = os.environ.get("PADDLECLAS_ROOT")
# A recipe whose mistake shows that it was read.
FRAGMENT = "Global: {seed: -7}\n"
CALLBACK = """
from pathlib import Path

from ppcls_lt.callbacks import Callback

Path("imported").touch()


class Own(Callback):
    pass
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture
def place(data, tmp_path, monkeypatch):
    """A working directory with the digits, ``base.yaml`` and recipes called ``os`` and ``None``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "digits").symlink_to(data)
    for name in ("os", "None"):
        (tmp_path / name).write_text(FRAGMENT)
    return tmp_path


def train(*flags):
    return cli.main(["train", "-c", "digits/ce.yaml", "-o", "Global.device=cpu", *flags])


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--recipe", CODE], "`recipe` must be the path of a YAML file or one of"),
        (["-o", f"Global.recipe={CODE}"], "`recipe` must be the path of a YAML file or one of"),
        (["--recipe", "sys"], "got 'sys'"),
        (["--recipe", "os"], "`seed` must be an integer >= 0, got -7"),
        (["-o", "Global.recipe=os"], "`seed` must be an integer >= 0, got -7"),
        (["--recipe", "None"], "`seed` must be an integer >= 0, got -7"),
        (["-o", f"Global.epochs={CODE}"], "`epochs` must be an integer >= 0, got \"__import__('os')"),
        (["-o", f"Arch.name={CODE}"], "unknown architecture \"__import__('os')"),
        (["-o", "Arch.name=os"], "unknown architecture 'os'"),
        (["-o", "Loss.Train.0={'os.system': {'weight': 1.0, 'command': 'touch gone'}}"], "unknown loss 'os.system'"),
        (
            ["-o", f"DataLoader.Train.dataset.transform_ops.2.NormalizeImage.scale={CODE}"],
            "ops.operators, must be a number",
        ),
    ],
)
def test_text_is_not_run(flags, message, place, capsys):
    assert train(*flags) == 2
    assert message in capsys.readouterr().err
    assert not (place / "gone").exists()


def test_text_of_a_file_is_not_run(data, place, capsys):
    settings = engines.packaged("ce", data, place / "out")
    settings["DataLoader"]["Train"]["dataset"]["transform_ops"].insert(1, {"RandomErasing": {"sh": CODE}})
    engines.write_yaml(settings, place / "own.yaml")
    assert cli.main(["train", "-c", "own.yaml"]) == 2
    assert "random_erasing, must be a number" in capsys.readouterr().err
    settings["DataLoader"]["Train"]["dataset"]["transform_ops"][1]["RandomErasing"]["sh"] = "1.0/3.0"
    engines.write_yaml(settings, place / "own.yaml")
    trainer.run_engine("train", place / "own.yaml", ["Global.epochs=1"])
    assert not (place / "gone").exists()


def test_recipes_of_a_comparison_are_names_and_files(place, capsys):
    assert cli.main(["compare", "-c", "digits/ce.yaml", "--recipes", CODE, "--out", "compared"]) == 2
    assert "must be the path of a YAML file" in capsys.readouterr().err
    assert not (place / "gone").exists()


def test_the_hosts_own_functions_read_in_the_same_way(ppcls, place, capsys):
    config = ppcls.module("utils.config")
    found = config.get_config(str(packaged()), ["Global.x.y=os", "Global.allow_new=True"])
    assert found["Global"]["x"]["y"] == "os"
    assert found.Global.epochs == yaml_files.read(packaged(), "test", "file")["Global"]["epochs"]
    config.override(found, ["Global", "x", "y"], CODE)
    assert found["Global"]["x"]["y"] == CODE and not (place / "gone").exists()
    assert "detected" not in capsys.readouterr().out
    (place / "twice.yaml").write_text("Arch: 1\nArch: 2\n")
    for read in (config.parse_config, config.get_config):
        with pytest.raises(ConfigError, match="twice.yaml: line 2.*'Arch'"):
            read("twice.yaml")


def packaged():
    return engines.ROOT / "configs" / "digits" / "ce.yaml"


NEW_ENTRIES = """
import sys
from ppcls_lt import host
host.load()
host.check_new_entries(lambda config, new: print("asked", config["Global"]["epochs"], new))
host.load_config(sys.argv[1], ["Globl.epochs=3", "Global.epochs=9"])
"""


def test_new_entries_are_judged_after_all_overrides(tmp_path):
    """In a process of its own, in which no other check is registered."""
    done = engines.run(["-c", NEW_ENTRIES, packaged()], cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    asked = [line for line in done.stdout.splitlines() if line.startswith("asked")]
    assert asked == ["asked 9 [(('Globl', 'epochs'), 3)]"]


MISTAKES = {
    "number": {"seed": -1},
    "report": {"report": "fr"},
    "list": {},
    "stage": {},
    "callback": {},
}


@pytest.mark.parametrize("mistake", [*MISTAKES, None])
def test_a_callback_of_the_users_is_imported_when_nothing_else_is_wrong(mistake, data, place, monkeypatch):
    monkeypatch.syspath_prepend(place)
    name = f"own_{mistake}"
    (place / f"{name}.py").write_text(CALLBACK)
    settings = engines.packaged("ce", data, place / "out", eval_during_train=True, **MISTAKES.get(mistake, {}))
    settings["Callbacks"] = [{f"{name}.Own": None}]
    if mistake == "list":
        settings["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = "nowhere.txt"
    if mistake == "stage":
        settings["Stages"] = [{}, {"Optimizer": {"name": "Momentun"}}]
    if mistake == "callback":
        settings["Stages"] = [{}, {"Callbacks": [{"DeferredReweighting": {"start": 1000}}]}]
    trainer.register()
    if mistake is None:
        trainer.checked_plan(settings, "train")
    else:
        with pytest.raises(ConfigError):
            trainer.checked_plan(settings, "train")
    assert (place / "imported").exists() == (mistake is None)


@pytest.mark.skipif(not CHECKOUT, reason="PADDLECLAS_ROOT names no checkout of PaddleClas")
@pytest.mark.parametrize("command", [["train"], ["run", f"{CHECKOUT}/tools/train.py"]], ids=["train", "run"])
def test_scripts_of_a_checkout_run_no_text(command, place):
    flags = [*command, "-c", "digits/ce.yaml", "-o", "Global.device=cpu"]
    done = engines.run(
        ["-m", "ppcls_lt", *flags, "-o", f"Global.recipe={CODE}"], cwd=place, python_path=[Path(CHECKOUT)]
    )
    assert done.returncode == 2 and "`recipe` must be the path of a YAML file or one of" in done.stdout, done.stdout
    assert "detected" not in done.stdout and not (place / "gone").exists()
