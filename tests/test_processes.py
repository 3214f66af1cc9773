"""Trainings of a comparison with several processes each, as Paddle's launcher starts them."""

import json

import numpy as np
import paddle
import pytest
import yaml

from . import commands, engines

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    config = engines.packaged("ce", engines.write_digits(folder / "digits"), "out", epochs=2)
    engines.write_yaml(config, folder / "base.yaml")
    return folder


def weights(path):
    found = paddle.load(str(path), return_numpy=True)
    return {name: np.asarray(value) for name, value in found.items()}


def test_two_recipes_are_compared_with_two_processes_each(place):
    environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(engines.ROOT)}
    flags = ["--processes", 2, "--jobs", 2, "--groups", "tertiles", "--adjust", "none", "--out", "two", "--refit"]
    arguments = ["compare", "-c", "base.yaml", "--recipes", "cs_ce", *flags]
    done = commands.run(place, *arguments, environment=environment)
    assert done.returncode == 0, done.output + done.errors
    assert "paddle.distributed.launch --nproc_per_node 2 $(command -v ppcls-lt) train -c two/best.yaml" in " ".join(
        done.output.split()
    )
    for name in ("base", "cs_ce"):
        folder = place / "two" / "runs" / name / "seed_0"
        (info,) = folder.glob("training/**/run_info.json")
        assert json.loads(info.read_text())["processes"] == 2
        result = json.loads((folder / "result.json").read_text())
        with np.load(folder / "held_out.npz") as held_out:
            assert len(held_out["label"]) > 50
        # Every image of an epoch counts once, but for those that fill up the last batch of each process.
        config = yaml.safe_load((folder / "train.yaml").read_text())
        images = len((place / config["DataLoader"]["Train"]["dataset"]["cls_label_path"]).read_text().splitlines())
        assert 2 * images <= result["images"] <= 2 * (images + 2 * 32)
    # So is the final model, which is tested and exported by one process.
    infos = list((place / "two" / "refit").glob("*/**/run_info.json"))
    assert {json.loads(info.read_text())["processes"] for info in infos} == {2}
    assert (place / "two" / "refit" / "base" / "test.json").is_file()
    assert len(list((place / "two" / "refit").glob("*/inference/exported.json"))) == 1
    # The same as a user's own launch of one of them.
    config = place / "two" / "runs" / "base" / "seed_0" / "train.yaml"
    script = engines.ROOT / "ppcls_lt" / "jobs" / "rank.py"
    alone = place / "alone.yaml"
    alone.write_text(config.read_text().replace("two/runs/base/seed_0/training", "alone"))
    launched = engines.together(script, alone.name, cwd=place, environment=environment)
    assert launched.returncode == 0, launched.stdout
    expected = weights(f"{engines.saved(place / 'alone')}.pdparams")
    found = weights(place / "two" / "runs" / "base" / "seed_0" / "weights.pdparams")
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_training_has_as_many_processes_as_its_configuration_says(place):
    flags = ["-o", "Global.processes=2", "-o", "Global.output_dir=refused"]
    done = commands.run(place, "train", "-c", "base.yaml", *flags)
    assert done.returncode == 2 and "Global: `processes` must be the number of processes, 1, got 2" in done.errors
    assert "paddle.distributed.launch --nproc_per_node 2" in done.errors
    assert not (place / "refused").exists()
    done = commands.run(place, "check", "-c", "base.yaml", "-o", "Global.processes=0")
    assert "`processes` must be an integer >= 1, got 0" in done.output + done.errors
