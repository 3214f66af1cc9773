"""What a run gathers or draws in training: kept beside the checkpoint and not in it, given back on a resume."""

import numpy as np
import paddle
import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.callbacks import Callback
from ppcls_lt.engine import saving
from ppcls_lt.losses import SeesawLoss
from ppcls_lt.runs import state_files

from . import engines, observers, reference

AUTHORS = reference.AUTHORS_2["others"]["SeesawLoss_three_batches"]
LOGITS = np.random.default_rng(0).normal(size=(6, 4))
LABEL = np.array([0, 1, 1, 3, 0, 0])


def counts(loss):
    return loss.run_state()["counts"].tolist()


def value_of(loss, logits=LOGITS, label=LABEL):
    return float(loss(paddle.to_tensor(logits), paddle.to_tensor(label))["SeesawLoss"])


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
def test_three_batches_of_the_authors_code(dtype, tolerance):
    for entry in AUTHORS:
        loss = SeesawLoss(**entry["params"])
        for step in entry["steps"]:
            logits = paddle.to_tensor(step["logits"], dtype=dtype, stop_gradient=False)
            value = loss(logits, paddle.to_tensor(step["label"]))["SeesawLoss"]
            value.backward()
            assert float(value) == pytest.approx(step["value"], rel=tolerance)
            np.testing.assert_allclose(logits.grad.numpy(), step["grad_logits"], rtol=0, atol=tolerance)
            assert counts(loss) == step["cum_samples_after"]


def test_images_are_counted_once_in_training_alone():
    loss = SeesawLoss()
    assert loss.run_state() == {}
    first = value_of(loss)
    assert counts(loss) == [3, 2, 0, 1]
    loss.eval()
    value_of(loss)
    assert counts(loss) == [3, 2, 0, 1]
    loss.train()
    loss.to(dtype="float16")  # with the layers of a model
    value_of(loss, label=np.eye(4)[LABEL] * 0.75 + 0.0625)
    assert counts(loss) == [3 + 6 * 0.0625 + 3 * 0.75, 2 + 1.875, 0.375, 1 + 1.125]
    assert not loss.state_dict()
    other = SeesawLoss()
    other.load_run_state(loss.run_state())
    assert value_of(other) == value_of(loss) and counts(other) == counts(loss)
    other.load_run_state({})
    assert value_of(other) == first


def test_given_counts_are_not_added_to():
    loss = SeesawLoss(num_class_list=[3, 2, 1, 1])
    assert value_of(loss) == value_of(loss) == pytest.approx(value_of(SeesawLoss()), rel=1e-12)
    assert loss.run_state() == {} and not loss.gathers_counts


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


def settings(data, output, losses, **options):
    return engines.digits_config(data, output, losses=losses, epochs=2, batch_size=64, seed=1, **options)


def test_an_evaluation_loss_must_be_told_the_counts(digits, tmp_path):
    config = settings(digits, tmp_path, [engines.listed("SeesawLoss")], eval_during_train=True)
    config["Loss"]["Eval"] = [{"SeesawLoss": {"weight": 1.0}}]
    with pytest.raises(ConfigError, match="^SeesawLoss: `num_class_list` must be given to an evaluation loss"):
        engines.build_engine(config)


@pytest.mark.slow
def test_a_resumed_run_goes_on_with_the_counts(digits, tmp_path):
    """Beside a loss of a schedule, which is built later than the others."""
    losses = [{"SeesawLoss": {"weight": 1.0}}]

    def train(output, **options):
        config = settings(digits, tmp_path / output, losses, save_interval=1, eval_during_train=False, **options)
        config["Callbacks"] = [{"LossSchedule": {"before": {"SeesawLoss": {"weight": 1.0, "q": 0.5}}, "start": 2}}]
        engines.build_engine(config).train()
        path = engines.saved(tmp_path / output)
        return paddle.load(f"{path}.pdparams", return_numpy=True), state_files.read(f"{path}.pdlt")["losses"]

    weights, states = train("whole")
    (_, state), (_, before) = states
    listed = np.bincount([int(line.split()[1]) for line in (digits / "train.txt").read_text().splitlines()])
    np.testing.assert_array_equal(state["counts"], listed)  # one of two epochs
    np.testing.assert_array_equal(before["counts"], listed)
    first = engines.saved(tmp_path / "whole", "epoch_1")
    assert [name for name, _ in state_files.read(f"{first}.pdlt")["losses"]] == ["SeesawLoss"] * 2
    resumed, again = train("resumed", checkpoints=str(first))
    for (_, one), (_, other) in zip(states, again):
        np.testing.assert_array_equal(one["counts"], other["counts"])
    assert weights.keys() == resumed.keys()
    for key, tensor in weights.items():
        np.testing.assert_array_equal(tensor, resumed[key], err_msg=key)


class Rates(Callback):
    """Keeps the learning rate of each epoch."""

    epochs: dict = {}

    def on_step_end(self, run):
        Rates.epochs[run.epoch] = run.optimizers[0].get_lr()


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Twenty images: an epoch is a step."""
    folder = engines.write_digits(tmp_path_factory.mktemp("few") / "digits")
    lines = (folder / "train.txt").read_text().splitlines()
    chosen = [[line for line in lines if line.endswith(f" {label}")][:2] for label in range(10)]
    (folder / "train.txt").write_text("\n".join(sum(chosen, [])) + "\n")
    return folder


def train_few(data, output, callbacks, seed, **more):
    losses = [engines.listed("FocalLoss")]
    sizes = {"batch_size": 20, "epochs": 3, "save_interval": 1, "eval_during_train": False}
    config = engines.digits_config(data, output, losses=losses, seed=seed, **sizes, **more)
    config["Callbacks"] = [*callbacks, {"tests.test_loss_state.Rates": None}]
    engine = engines.build_engine(config)
    engine.train()
    return observers.weights(engine.model)


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 2])
def test_a_schedule_goes_on_with_its_loss_and_rate(epoch, few, tmp_path):
    schedule = [{"LossSchedule": {"before": "CELoss", "start": 2, "lr_scale": 0.01}}]
    whole = train_few(few, tmp_path / "whole", schedule, 3)
    rates = dict(Rates.epochs)
    assert rates[3] < 0.02 * rates[1]
    Rates.epochs.clear()
    checkpoint = str(engines.saved(tmp_path / "whole", f"epoch_{epoch}"))
    again = train_few(few, tmp_path / "again", schedule, 3, checkpoints=checkpoint)
    assert Rates.epochs == {each: rates[each] for each in range(epoch + 1, 4)}
    for name, value in whole.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)


@pytest.mark.slow
def test_a_seed_that_was_drawn_is_the_runs_ever_after(few, tmp_path):
    train_few(few, tmp_path / "whole", [], None)
    first = engines.saved(tmp_path / "whole", "epoch_1")
    drawn = saving.read_state(first)["seed"]
    train_few(few, tmp_path / "again", [], None, checkpoints=str(first))
    assert isinstance(drawn, int) and saving.read_state(engines.saved(tmp_path / "again"))["seed"] == drawn
