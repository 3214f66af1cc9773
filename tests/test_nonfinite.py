"""NaN and infinity: a training stops where its loss is neither, checkpoints stay, no such model is the best."""

import json
import logging
from pathlib import Path

import numpy as np
import paddle
import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.engine.nonfinite import image_name, nonfinite_weights
from ppcls_lt.runs import history

from . import engines
from .stock import CHECKOUT, needs_checkout


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


def settings(data, output, losses=None, **options):
    result = engines.digits_config(data, output, losses=losses or [{"CELoss": {"weight": 1.0}}], seed=1, **options)
    result["DataLoader"]["Train"]["sampler"]["batch_size"] = 64
    return result


def poison(engine, epoch, step):
    """From a step on (counted from 1) the model gives NaN; return the images that were shown in each step."""
    shown = []
    train_epoch = engine.train_epoch_func
    loss = engine.train_loss_func.__class__.__call__

    class Poisoned(type(engine.train_loss_func)):
        def __call__(self, *args):
            result = loss(self, *args)
            shown.append(args[1].flatten().tolist())
            if len(shown) == step and poisoned_epoch[0] == epoch:
                return {name: value * float("nan") for name, value in result.items()}
            return result

    poisoned_epoch = [0]

    def train(engine, epoch_id, print_batch_step):
        poisoned_epoch[0] = epoch_id
        shown.clear()
        train_epoch(engine, epoch_id, print_batch_step)

    engine.train_loss_func.__class__ = Poisoned
    engine.train_epoch_func = train
    return shown


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_training_stops_at_the_first_and_says_where(workers, data, tmp_path):
    changed = settings(data, tmp_path, epochs=3, eval_during_train=True)
    changed["DataLoader"]["Train"]["loader"]["num_workers"] = workers
    engine = engines.build_engine(changed)
    shown = poison(engine, epoch=2, step=3)
    with pytest.raises(ConfigError) as error:
        engine.train()
    said = str(error.value)
    rate = 0.5 * 0.05 * (1 + np.cos(np.pi * (6 + 2) / 18))  # six steps an epoch, three epochs
    assert said.startswith("the training has diverged: the loss is not finite in epoch 2, step 3, learning rate ")
    assert f"{rate:g}: CELoss: nan, loss: nan; images: " in said
    (weights,) = tmp_path.rglob("nonfinite.pdparams")
    place, terms, *names = weights.with_suffix(".txt").read_text().splitlines()
    assert place.startswith("epoch 2, step 3, ") and terms == "CELoss: nan, loss: nan"
    labels = dict(line.rsplit(" ", 1) for line in (data / "train.txt").read_text().splitlines())
    assert [int(labels[str(Path(name).relative_to(data))]) for name in names] == shown[-1]
    assert len(names) == 64 and names[0] in said and "and 56 more" in said
    # The weights after the step; the checkpoints are those of the epoch before.
    kept = paddle.load(str(weights))
    assert all(
        (kept[name].numpy() == value.numpy()).all()
        for name, value in engine.model.state_dict().items()
        if not np.isnan(value.numpy()).any()
    )
    for prefix in ("latest", "best_model"):
        path = engines.saved(tmp_path, prefix)
        assert paddle.load(f"{path}.pdstates")["epoch"] == 1
        assert all(np.isfinite(value.numpy()).all() for value in paddle.load(f"{path}.pdparams").values())


def test_as_told_such_steps_are_counted(data, tmp_path, caplog):
    engine = engines.build_engine(settings(data, tmp_path, epochs=2, nonfinite_loss="count"))
    poison(engine, epoch=1, step=6)
    with caplog.at_level(logging.WARNING, "ppcls.lt"):
        engine.train()
    assert caplog.text.count("going on, as Global.nonfinite_loss says") == 2
    assert "epoch 1: 1 steps with a loss that is not finite" in caplog.text
    assert "epoch 2: 6 steps with a loss that is not finite" in caplog.text
    assert "7 steps of this training had a loss that is not finite" in caplog.text
    assert not list(tmp_path.rglob("nonfinite.*"))


def test_weights_that_break_in_the_last_step_are_never_saved(data, tmp_path):
    """The loss of that step was a number still."""
    engine = engines.build_engine(settings(data, tmp_path, epochs=1))
    name, parameter = next(iter(engine.model.named_parameters()))
    optimizer = engine.optimizer[-1]
    clear_grad = optimizer.clear_grad
    steps = []

    def clear(*args, **kwargs):
        clear_grad(*args, **kwargs)
        steps.append(1)
        if len(steps) == 6:
            parameter.set_value(paddle.full_like(parameter, float("inf")))

    optimizer.clear_grad = clear
    with pytest.raises(
        ConfigError, match=f"^the training has diverged: after epoch 1 these weights are not finite: {name}"
    ):
        engine.train()
    assert not list(tmp_path.rglob("latest.pdparams")) and list(tmp_path.rglob("nonfinite.pdparams"))


@pytest.fixture(scope="module")
def broken(data, tmp_path_factory):
    """Weights of which one is NaN; the path without its ending."""
    output = tmp_path_factory.mktemp("broken")
    engine = engines.build_engine(settings(data, output, epochs=1))
    engine.train()
    engine.model.fc.weight.set_value(paddle.full_like(engine.model.fc.weight, float("nan")))
    weights = engine.model.state_dict()
    assert nonfinite_weights(engine.model) == ["fc.weight"]
    paddle.save(weights, str(output / "broken.pdparams"))
    return output / "broken"


@pytest.mark.parametrize("metrics", [["TopkAcc"], ["TopkAcc", "BalancedAcc", "ECE", "PerClassAcc"]])
def test_an_evaluation_of_such_weights_is_no_score(metrics, data, broken, tmp_path):
    changed = settings(data, tmp_path, pretrained_model=str(broken))
    changed["Metric"]["Eval"] = [{name: {"topk": [1, 5]} if name == "TopkAcc" else None} for name in metrics]
    engine = engines.build_engine(changed, "eval")
    with pytest.raises(ConfigError, match=f"not finite .* for 500 of 500 images: .*the weights {broken} are those"):
        engine.eval()
    (record,) = history.read(next(tmp_path.rglob("eval_metrics.jsonl")))
    assert set(record["values"]) >= {"top1", "top5"} and set(record["values"].values()) == {None}
    assert record["score"] is None and not list(tmp_path.rglob("eval_predictions.npz"))
    log = next(tmp_path.rglob("eval.log")).read_text()
    assert "top1: nan, top5: nan" in log and "top1: 0." not in log


def diverge(data, output, chosen):
    """Train two epochs whose weights are NaN when they are evaluated; what was kept is no best model."""
    changed = settings(*(data, output), epochs=2, eval_during_train=True, nonfinite_loss="count", best_metric=chosen)
    engine = engines.build_engine(changed)
    train_epoch = engine.train_epoch_func

    def epoch(engine, epoch_id, print_batch_step):
        train_epoch(engine, epoch_id, print_batch_step)
        engine.model.fc.weight.set_value(paddle.full_like(engine.model.fc.weight, float("nan")))

    engine.train_epoch_func = epoch
    engine.train()
    assert list(output.rglob("latest.pdparams")) and not list(output.rglob("best_model*"))
    records = history.read(next(output.rglob("metrics.jsonl")))
    assert [record["score"] for record in records] == [None, None] and history.best(records) is None


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [None, "many"])
def test_no_such_model_is_the_best(chosen, data, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "ppcls.lt"):
        diverge(data, tmp_path, chosen)
    assert "outputs are not finite (NaN or infinite) for 500 of 500 images" in caplog.text


@needs_checkout
def test_no_such_model_is_the_best_with_the_checkout(data, tmp_path):
    """develop takes the first score that is no less than -1 or nothing."""
    script = tmp_path / "best.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.test_nonfinite import diverge\n"
        "for chosen in (None, 'many'):\n"
        "    diverge(Path(sys.argv[1]), Path(sys.argv[2]) / str(chosen), chosen)\n"
    )
    result = engines.run([script, data, tmp_path / "out"], cwd=tmp_path, python_path=[CHECKOUT])
    assert result.returncode == 0, result.stdout


TWO = """
import sys
from pathlib import Path
from tests import engines
import paddle.distributed as dist  # after ppcls_lt, as Paddle 2.6 needs it
data, out = map(Path, sys.argv[1:])
settings = engines.digits_config(data, out, losses=[{"CELoss": {"weight": 1.0}}], epochs=2)
engine = engines.build_engine(settings)
loss = type(engine.train_loss_func).__call__
calls = []
class Poisoned(type(engine.train_loss_func)):
    def __call__(self, *args):
        calls.append(args[1].flatten().tolist())
        result = loss(self, *args)
        if dist.get_rank() == 1 and len(calls) == 2:
            (out / "labels.txt").write_text(str(calls[-1]))
            return {name: value * float("nan") for name, value in result.items()}
        return result
engine.train_loss_func.__class__ = Poisoned
engine.train()
"""


@pytest.mark.slow
def test_one_of_two_processes_names_its_own_files_and_both_end(data, tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    result = engines.together(script, data, tmp_path / "out", cwd=tmp_path)
    assert result.returncode != 0
    assert (
        "the loss is not finite in epoch 1, step 2, learning rate 0.0" in result.stdout
        and "of process 1: CELoss" in result.stdout
    )
    (path,) = tmp_path.rglob("nonfinite_process_1.txt")
    labels = dict(line.rsplit(" ", 1) for line in (data / "train.txt").read_text().splitlines())
    found = [int(labels[str(Path(name).relative_to(data))]) for name in path.read_text().splitlines()[2:]]
    assert found == json.loads((tmp_path / "out" / "labels.txt").read_text())
    assert not list(tmp_path.rglob("latest.pdparams"))


def test_wrong_option(data, tmp_path):
    with pytest.raises(ConfigError, match="^Global: `nonfinite_loss` must be one of stop, count"):
        engines.build_engine(settings(data, tmp_path, nonfinite_loss="ignore"))


def test_names_of_images():
    class Part:
        def __init__(self, images):
            self.images = images

    class Mixed:
        dataset_list = [[2, 0, Part(["a", "b"])], [3, 2, Part(["c"])]]

    assert [image_name(Mixed(), index) for index in range(3)] == ["a", "b", "c"]
    assert image_name(object(), 4) == "index 4"
