"""PaddleX's layout, each checkpoint in a folder of its name: stages, going on, and what is exported beside."""

import json

import numpy as np
import paddle
import pytest
import yaml

from ppcls_lt.configuration import reading as configuration
from ppcls_lt.configuration import recipes, stages
from ppcls_lt.runs import checkpoints, earlier
from ppcls_lt.runs import marks as run_marks

from . import commands, engines, stock
from .test_resume import assert_same

ARCH = "Net"
KEY = "Global.uniform_output_enabled=True"


def save(root, prefix, epoch, run="a"):
    """Save a checkpoint as develop does with ``uniform_output_enabled``."""
    with checkpoints.saving(root / prefix, prefix, {"run": run, "epoch": epoch}) as folder:
        for ending in (".pdparams", ".pdopt", ".pdstates"):
            (folder / (prefix + ending)).write_text(str(epoch))


class TestFiles:
    """Where checkpoints are looked for."""

    @pytest.fixture
    def root(self, tmp_path):
        save(tmp_path, "epoch_1", 1)
        save(tmp_path, "latest", 1)
        return tmp_path

    def test_the_newest_is_found_in_its_folder(self, root):
        assert checkpoints.newest(root, ARCH)[0] == root / "latest" / "latest"
        assert checkpoints.find(root, ARCH, "epoch_1") == root / "epoch_1" / "epoch_1"
        assert checkpoints.last_epoch(root, ARCH) == 1

    def test_another_prefix_where_the_latest_is_torn(self, root):
        (root / "latest" / "latest.pdopt").write_text("")
        assert checkpoints.newest(root, ARCH)[0] == root / "epoch_1" / "epoch_1"

    def test_a_save_that_a_kill_left_is_found_and_moved(self, root):
        save(root, "latest", 2)
        hidden = root / "latest" / ".latest.saving"
        hidden.mkdir()
        for path in list((root / "latest").glob("latest.*")):
            path.rename(hidden / path.name)
        assert checkpoints.newest(root, ARCH)[0] == hidden / "latest"
        assert checkpoints.staged_of(root, "latest")["epoch"] == 2
        checkpoints.finish_all(root)
        assert checkpoints.find(root, ARCH, "latest") == root / "latest" / "latest"

    def test_an_earlier_run_is_not_replaced(self, root):
        stage = {"Global": {"output_dir": str(root)}, "Arch": {"name": ARCH}}
        run_marks.mark(root, ARCH, "b")
        with pytest.raises(configuration.ConfigError, match=r"holds .*/latest/latest \(run a"):
            earlier.check([stage])
        earlier.check([stage], "a")
        assert earlier.is_at_home(root / "latest" / "latest", stage)
        assert not earlier.is_at_home(root / "latest" / "best_model", stage)


def test_the_last_stage_writes_where_paddlex_looks():
    config = {
        "Global": {"epochs": 3, "output_dir": "out", "uniform_output_enabled": True},
        "Arch": {"name": ARCH},
        "Stages": [{}, {}],
    }
    plan = stages.plan(config)
    assert [stage["Global"]["output_dir"] for stage in plan] == ["out/stage_1", "out"]
    assert str(stages.output_dir(plan)) == "out"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with the digits and a configuration that PaddleX could have written."""
    folder = tmp_path_factory.mktemp("uniform")
    settings = engines.digits_config(
        engines.write_digits(folder / "digits"),
        "out",
        losses=[{"CELoss": {"weight": 1.0}}],
        epochs=2,
        eval_during_train=True,
        image_shape=[3, 8, 8],
        save_interval=1,
        seed=3,
    )
    settings["DataLoader"]["Train"]["dataset"]["name"] = "ClsDataset"
    operators = [*settings["DataLoader"]["Eval"]["dataset"]["transform_ops"], {"ToCHWImage": None}]
    (folder / "label.txt").write_text("".join(f"{digit} digit {digit}\n" for digit in range(10)))
    names = {"name": "Topk", "topk": 5, "class_id_map_file": str(folder / "label.txt")}
    settings["Infer"] = {"transforms": operators, "PostProcess": names}
    settings["Callbacks"] = [{"tests.observers.Kill": None}]
    engines.write_yaml(settings, folder / "plain.yaml")
    settings["Stages"] = [{"Global": {"epochs": 1}}, {"Optimizer": {"lr": {"learning_rate": 0.01}}}]
    engines.write_yaml(settings, folder / "config.yaml")
    return folder


def train(folder, output, *overrides, config="config.yaml", kill="", stage=1):
    """``ppcls-lt train`` with the checkout that the environment names."""
    (folder / output).mkdir(exist_ok=True)  # as PaddleX does
    flags = [part for override in (KEY, f"Global.output_dir={output}", *overrides) for part in ("-o", override)]
    return engines.run(
        ["-m", "ppcls_lt", "train", "-c", config, "--resume", *flags],
        cwd=folder,
        python_path=[engines.ROOT, stock.CHECKOUT],
        environment={"KILL": kill, "KILL_STAGE": str(stage)},
    )


def weights(path):
    return paddle.load(f"{path}.pdparams", return_numpy=True)


@pytest.mark.slow
@pytest.mark.skipif(stock.CHECKOUT is not None, reason="PADDLECLAS_ROOT may name a PaddleClas that knows it")
def test_a_paddleclas_that_does_not_know_it_says_so(folder):
    content = yaml.safe_load((folder / "plain.yaml").read_text())
    content["DataLoader"]["Train"]["dataset"]["name"] = "ImageNetDataset"
    content["Global"]["uniform_output_enabled"] = True
    engines.write_yaml(content, folder / "uniform.yaml")
    done = commands.run(folder, "train", "-c", "uniform.yaml")
    commands.fails(
        done, "`uniform_output_enabled` must be left out with this PaddleClas, which does not know it", "develop"
    )


@pytest.mark.slow
@stock.needs_checkout
class TestDevelop:
    """With a checkout of the branch develop."""

    @pytest.fixture(scope="class")
    def whole(self, folder):
        done = train(folder, "whole")
        assert done.returncode == 0, done.stdout
        return folder / "whole"

    def test_the_last_stage_lies_in_paddlex_s_layout(self, whole):
        for prefix in ("best_model", "latest", "epoch_1"):
            checkpoints.check(whole / prefix / prefix)
            assert (whole / prefix / "inference" / "inference.pdiparams").is_file()
        told = json.loads((whole / "train_results.json").read_text())
        assert (whole / told["models"]["best"]["pdparams"]).is_file() and told["done_flag"]
        assert yaml.safe_load((whole / "config.yaml").read_text())["Global"]["output_dir"] == "whole"
        assert (whole / "stage_1" / "latest" / "latest.pdparams").is_file()

    @pytest.mark.parametrize("stage, moment", [(1, "save:1"), (2, "2:3")])
    def test_a_killed_run_goes_on_as_if_it_had_not_been(self, stage, moment, whole, folder):
        output = f"killed_{stage}_{moment.replace(':', '_')}"
        assert train(folder, output, kill=moment, stage=stage).returncode < 0
        done = train(folder, output)
        assert done.returncode == 0, done.stdout
        for place in ("latest/latest", "best_model/best_model", "stage_1/latest/latest"):
            assert_same(weights(folder / output / place), weights(whole / place))

    def test_what_a_kill_left_out_beside_the_last_checkpoint_is_written(self, whole, folder):
        (whole / "latest" / "latest.info.json").unlink()
        (whole / "latest" / "inference" / "inference.pdiparams").unlink()
        done = train(folder, "whole")
        assert done.returncode == 0 and "has all its epochs already" in done.stdout, done.stdout
        assert json.loads((whole / "latest" / "latest.info.json").read_text())["epoch"] == 2
        assert (whole / "latest" / "inference" / "inference.pdiparams").is_file()

    def test_what_cannot_be_exported_is_said_before_the_training(self, folder):
        done = train(folder, "none", "Infer.PostProcess.class_id_map_file=nowhere.txt")
        assert done.returncode == 2
        assert "Infer: must tell how an image is read" in done.stdout and "nowhere.txt" in done.stdout
        assert not list((folder / "none").rglob("*.pdparams"))

    def test_a_stage_of_no_epochs_is_exported_too(self, folder):
        done = train(folder, "tau", "Global.recipe=tau_norm", config="plain.yaml")
        assert done.returncode == 0, done.stdout
        assert np.abs(weights(folder / "tau" / "latest" / "latest")["fc.bias"]).max() == 0
        assert (folder / "tau" / "best_model" / "inference" / "inference.yml").is_file()
        assert json.loads((folder / "tau" / "train_results.json").read_text())["done_flag"]

    @pytest.mark.parametrize("recipe", recipes.names())
    def test_every_recipe_of_all_trains_and_leaves_a_model(self, recipe, folder):
        output = f"of_{recipe}"
        done = train(folder, output, f"Global.recipe={recipe}", config="plain.yaml")
        assert done.returncode == 0, done.stdout
        told = json.loads((folder / output / "train_results.json").read_text())
        assert told["done_flag"] and (folder / output / "latest" / "inference" / "inference.pdiparams").is_file()
