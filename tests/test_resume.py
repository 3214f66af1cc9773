"""A run that was killed and resumed ends with the weights of one that was not, bit for bit."""

import random
import re
from pathlib import Path

import numpy as np
import paddle
import pytest

from ppcls_lt.runs import state_files

from . import engines

pytestmark = pytest.mark.slow

EPOCHS = 7
STEPS = 6
IMAGES = 8  # of a step, in each process
MOMENTS = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with the digits and a config in which everything that draws at random is in play."""
    folder = tmp_path_factory.mktemp("resume")
    settings = engines.digits_config(
        engines.write_digits(folder / "digits"),
        "out",
        losses=[engines.listed("EqualizationLoss", gamma=0.5, **{"lambda": 0.2})],
        arch={"name": "SmallNet", "class_num": 10, "dropout_prob": 0.2},
        batch_size=IMAGES,
        epochs=EPOCHS,
        eval_during_train=True,
        seed=5,
        plugins=["tests.small_net"],
    )
    train = settings["DataLoader"]["Train"]
    train["dataset"]["transform_ops"][2:2] = [{"RandCropImage": {"size": 8}}, {"RandFlipImage": {"flip_code": 1}}]
    train["dataset"]["transform_ops"][4:4] = [{"CIFAR10Policy": {}}]
    train["dataset"]["batch_transform_ops"] = [{"CMOOperator": {"start_data_aug": -1, "end_data_aug": 0}}]
    evaluated = settings["DataLoader"]["Eval"]["dataset"]
    listing = Path(evaluated["cls_label_path"]).read_text().splitlines(keepends=True)
    (folder / "evaluated.txt").write_text("".join(listing[::8]))
    evaluated["cls_label_path"] = str(folder / "evaluated.txt")
    train["sampler"] = {"name": "WeightBalancedSampler", "batch_size": IMAGES, "num_samples": IMAGES * STEPS}
    settings["Callbacks"] = [
        {"DeferredReweighting": {"start": 4}},
        {"DeferredResampling": {"start": 3}},
        {"MaxNormPGD": {"thresh": 0.5}},
        {"SAM": {"rho": 0.05}},
        {"SWA": {"start": 4}},
        {"tests.observers.Kill": None},
    ]
    engines.write_yaml(settings, folder / "config.yaml")
    return folder


def moments(processes):
    """Five moments, one in each of the epochs 2 to 6, one of them in a save."""
    draw = random.Random(processes)
    in_save = draw.randrange(MOMENTS)
    return [
        f"save:{epoch}" if epoch == 2 + in_save else f"{epoch}:{draw.randint(1, STEPS // processes)}"
        for epoch in range(2, 2 + MOMENTS)
    ]


def train(folder, output, processes, moment="", rank=0, dump=""):
    """``ppcls-lt train --resume`` in a process of its own, or several; returns it."""
    arguments = ["-c", folder / "config.yaml", "--resume", "-o", f"Global.output_dir={output}"]
    if processes == 1:  # once with worker processes that read the images, once without
        arguments += ["-o", "DataLoader.Train.loader.num_workers=2"]
    environment = {"KILL": moment, "KILL_RANK": str(rank), "DUMP": str(dump)}
    if processes == 1:
        return engines.run(
            ["-m", "ppcls_lt", "train", *arguments],
            cwd=folder,
            python_path=[engines.ROOT],
            environment=environment,
        )
    return engines.together(
        engines.ROOT / "scripts" / "train.py", *arguments, cwd=folder, processes=processes, environment=environment
    )


def first_epoch(output):
    """The epoch that the first line of training in a log names."""
    return int(re.search(r"\[Train\]\[Epoch (\d+)/", output)[1])


def saved(folder, ending, prefix="latest"):
    path = f"{engines.saved(folder, prefix)}.{ending}"
    return state_files.read(path) if ending == "pdlt" else paddle.load(path, return_numpy=True)


def assert_same(one, other, where=""):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for index, pair in enumerate(zip(one, other)):
            assert_same(*pair, f"{where}/{index}")
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other, err_msg=where)
    else:
        assert one == other, where


@pytest.mark.parametrize("processes", [1, 2])
def test_killed_five_times_and_resumed(processes, folder):
    whole, broken = folder / f"whole_{processes}", folder / f"broken_{processes}"
    dump = folder / f"dump_{processes}"
    dump.mkdir()
    result = train(folder, whole, processes, dump=dump)
    assert result.returncode == 0, result.stdout
    assert first_epoch(result.stdout) == 1

    due = 1
    for number, moment in enumerate(moments(processes)):
        in_save = moment.startswith("save")
        result = train(folder, broken, processes, moment, rank=0 if in_save else number % processes)
        if processes == 1:
            assert result.returncode == -9, result.stdout
        else:
            assert result.returncode != 0, result.stdout
        assert f"killed at {moment}" in result.stdout
        assert first_epoch(result.stdout) == due
        due = number + 2  # the epoch it was killed in; what it left is of the one before
    result = train(folder, broken, processes)
    assert result.returncode == 0, result.stdout
    assert first_epoch(result.stdout) == due
    assert_same(saved(whole, "pdparams"), saved(broken, "pdparams"))
    assert_same(saved(whole, "pdopt"), saved(broken, "pdopt"))
    assert_same(saved(whole, "pdlt")["best"], saved(broken, "pdlt")["best"])
    assert_same(saved(whole, "pdparams", "best_model"), saved(broken, "pdparams", "best_model"))
    if processes == 2:
        assert_ranks_share_statistics_alone(dump)


def assert_ranks_share_statistics_alone(dump):
    for epoch in range(1, EPOCHS + 1):
        first, second = (dict(np.load(dump / f"rank{rank}_epoch{epoch}.npz")) for rank in (0, 1))
        assert (first.pop("random") != second.pop("random")).any()
        assert len(first) == 4  # mean and variance of two layers
        assert_same(first, second)
