"""EMA and SWA: what is averaged, and which weights are evaluated, saved and trained."""

from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from paddle import nn

from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.callbacks import EMA, SWA, Callback
from ppcls_lt.maths.batch_norm import Statistics
from ppcls_lt.runs import history, state_files
from ppcls_lt.testing.callbacks import check_resumes

from . import engines
from .observers import weights
from .weight_runs import Network, run_of

CE = {"CELoss": {"weight": 1.0}}


class Seen(Callback):
    """Keeps the weights as they are trained: at the start, after each step and at the end of each epoch."""

    def __init__(self):
        Seen.steps, Seen.epochs = [], []

    def on_epoch_start(self, run):
        if run.epoch == 1:
            Seen.first = weights(run.model)
        else:
            assert all((Seen.epochs[-1][name] == value).all() for name, value in weights(run.model).items())

    def on_step_end(self, run):
        Seen.steps.append(weights(run.model))

    def on_epoch_end(self, run):
        Seen.epochs.append(weights(run.model))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Digits, sixty images for training."""
    folder = engines.write_digits(tmp_path_factory.mktemp("data") / "digits")
    lines = (folder / "train.txt").read_text().splitlines()
    chosen = [[line for line in lines if line.endswith(f" {label}")][:6] for label in range(10)]
    (folder / "train.txt").write_text("\n".join(sum(chosen, [])) + "\n")
    return folder


@pytest.fixture
def train(data, tmp_path):
    """Train on 60 images in three steps an epoch; return the weights that the model has in the end."""

    def trained(callbacks, *, change=None, mode="train", average=None, **options):
        options = {"epochs": 3, "eval_during_train": True, "save_interval": 1, "seed": 7, "overwrite": True, **options}
        settings = engines.digits_config(data, tmp_path / mode, losses=[CE], batch_size=20, **options)
        settings["Callbacks"] = [*callbacks, {f"{__name__}.Seen": None}]
        if change is not None:
            change(settings)
        engine = engines.build_engine(settings, mode)
        if mode == "eval":
            return engine.eval()
        engine.train()
        return weights(engine.model if average is None else average(engine))

    return trained


def assert_close(found, expected, **tolerance):
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, err_msg=name, **{"rtol": 1e-5, "atol": 1e-6, **tolerance})


def exponential(first, steps, decays):
    """The average by hand, in float64."""
    average = {name: value.astype(np.float64) for name, value in first.items()}
    for step, decay in zip(steps, decays):
        average = {name: decay * value + (1 - decay) * step[name] for name, value in average.items()}
    return average


@pytest.mark.slow
def test_ema_is_evaluated_and_saved_and_does_not_train(train, tmp_path):
    plain = train([])
    ends = Seen.epochs
    last = train([{"EMA": {"decay": 0.3}}])
    for one, other in zip(Seen.epochs, ends):
        assert_close(one, other, rtol=0, atol=0)
    decays = [min(0.3, (1 + t) / (10 + t)) for t in range(9)]
    assert decays[0] < 0.3 == decays[8]
    for epoch in (1, 2, 3):
        average = exponential(Seen.first, Seen.steps[: 3 * epoch], decays)
        path = engines.saved(tmp_path / "train", f"epoch_{epoch}")
        assert_close(paddle.load(f"{path}.pdparams", return_numpy=True), average)
        (_, kept), _ = state_files.read(f"{path}.pdlt")["callbacks"]
        assert_close(kept["trained"], Seen.epochs[epoch - 1], rtol=0, atol=0)
    assert_close(last, average)
    assert any((plain[name] != value).any() for name, value in last.items())
    assert_evaluated(train, tmp_path)


def assert_evaluated(train, tmp_path):
    """The values of the last epoch are those of the weights that were saved."""
    record = history.read(next((tmp_path / "train").rglob("metrics.jsonl")))[-1]
    path = engines.saved(tmp_path / "train", "latest")
    assert train([], mode="eval", pretrained_model=str(path)) == pytest.approx(record["score"], abs=1e-6)


@pytest.mark.slow
def test_swa_is_evaluated_and_saved_from_its_start_on(train, tmp_path):
    plain = train([], epochs=4)
    ends = Seen.epochs
    last = train([{"SWA": {"start": 2, "c_epochs": 2}}], epochs=4)
    statistics = {name for name in last if name.endswith(("_mean", "_variance"))}
    assert 0 < len(statistics) < len(last)
    for one, other in zip(Seen.epochs, ends):
        assert_close(one, other, rtol=0, atol=0)
    # Epochs 2 and 4 count; in epoch 3 the average is that of epoch 2.
    averages = [ends[0], ends[1], ends[1], {name: (ends[1][name] + ends[3][name]) / 2 for name in last}]
    files = []
    for epoch, average in enumerate(averages, 1):
        files.append(paddle.load(f"{engines.saved(tmp_path / 'train', f'epoch_{epoch}')}.pdparams", return_numpy=True))
        assert_close(files[-1], {name: value for name, value in average.items() if name not in statistics})
    for name in statistics:
        assert (files[0][name] == ends[0][name]).all() and (files[1][name] == files[2][name]).all()
        assert (files[1][name] != ends[1][name]).any()
    assert any((plain[name] != value).any() for name, value in last.items())
    assert_evaluated(train, tmp_path)


def test_statistics_are_means_over_batches_by_their_images():
    images = [
        np.random.default_rng(seed).normal(seed, 1 + seed, (4 + 3 * seed, 5)).astype("float32") for seed in (0, 1)
    ]
    layer, frozen = nn.BatchNorm1D(5), nn.BatchNorm1D(5)
    frozen.eval()
    model = nn.Sequential(layer, frozen)
    layer._mean.set_value(np.full(5, 7.0, "float32"))
    Statistics(model).measure((len(batch), lambda batch=batch: model(paddle.to_tensor(batch))) for batch in images)
    expected = np.average([batch.mean(axis=0) for batch in images], axis=0, weights=[4, 7])
    np.testing.assert_allclose(layer._mean.numpy(), expected, rtol=1e-5)
    single = []
    for batch in images:
        alone = nn.BatchNorm1D(5, momentum=0.0)
        alone(paddle.to_tensor(batch))
        single.append(alone._variance.numpy())
    np.testing.assert_allclose(layer._variance.numpy(), np.average(single, axis=0, weights=[4, 7]), rtol=1e-5)
    assert layer._momentum == 0.9 and not frozen._mean.numpy().any()


def test_tied_weights_are_exchanged_once():
    model = Network()
    model.again = nn.Linear(7, 6)
    model.again.weight = model.head.weight
    callback, run = EMA(decay=0.5), run_of(model)
    callback.on_checkpoint_loaded(run)
    callback.on_epoch_start(run)
    with paddle.no_grad():
        model.head.weight.add_(paddle.ones_like(model.head.weight))
    trained = model.head.weight.numpy()
    callback.on_step_end(run)
    callback.before_evaluation(run)
    np.testing.assert_allclose(model.again.weight.numpy(), trained - 0.1, rtol=1e-5, atol=1e-6)
    callback.on_epoch_start(run)
    np.testing.assert_array_equal(model.head.weight.numpy(), trained)


@pytest.mark.slow
@pytest.mark.parametrize("params", [{"decay": 0.5}, {"decay": 0.5, "warmup": False}])
def test_ema_goes_on_as_it_was(params, ppcls, tmp_path):
    check_resumes(EMA, tmp_path, **params)


@pytest.mark.slow
def test_swa_goes_on_as_it_was(ppcls, tmp_path):
    check_resumes(SWA, tmp_path, start=1, epochs=3)


@pytest.mark.slow
def test_the_average_of_the_host_is_the_same(train):
    """PaddleClas's own section, where it has one: without the warm-up."""
    if not hasattr(host.module("engine.engine"), "ExponentialMovingAverage"):
        pytest.skip("PaddleClas 2.4 has no section EMA")
    section = {"EMA": {"decay": 0.8}}
    theirs = train([], change=lambda settings: settings.update(section), average=lambda engine: engine.model_ema.module)
    assert_close(train([{"EMA": {"decay": 0.8, "warmup": False}}]), theirs)


@pytest.mark.parametrize(
    "callbacks, settings, said",
    [
        ([{"EMA": {"decay": 1}}], {}, "EMA: `decay` must be a finite number >= 0 and < 1"),
        ([{"EMA": {"warmup": 3}}], {}, "EMA: `warmup` must be true or false"),
        ([{"SWA": {"c_epochs": 0}}], {}, "SWA: `c_epochs` must be an integer >= 1"),
        ([{"SWA": {"start": 4}}], {}, "SWA: `start` must be an epoch of this run, at most Global.epochs"),
        ([{"EMA": {}}, {"SWA": {}}], {}, "EMA: `Callbacks` must be a list with one of the kind, got SWA too"),
        ([{"EMA": {}}], {"EMA": {"decay": 0.9}}, "EMA: `EMA` must be no section of the configuration"),
        ([{"SWA": {}}], {"AMP": {"level": "O2"}}, "SWA: `AMP.level` must be O1, got O2"),
    ],
)
def test_mistakes(callbacks, settings, said, train):
    def change(config):
        for name, section in settings.items():
            config.setdefault(name, {}).update(section)

    with pytest.raises(ConfigError, match=said):
        train(callbacks, change=change)


@pytest.mark.slow
@pytest.mark.parametrize("entry", [{"EMA": {"decay": 0.3}}, {"SWA": {"start": 1}}], ids=str)
def test_a_stage_of_no_epochs_begins_with_the_average(entry, train, tmp_path):
    stages = [{}, {"Global": {"epochs": 0}}]
    train([entry], change=lambda settings: settings.update(Stages=stages), epochs=1)
    files = [engines.saved(tmp_path / "train" / f"stage_{number}", "latest") for number in (1, 2)]
    first, second = (paddle.load(f"{path}.pdparams", return_numpy=True) for path in files)
    assert_close(second, first, rtol=0, atol=0)
    (_, kept), _ = state_files.read(f"{files[0]}.pdlt")["callbacks"]
    assert any((kept["trained"][name] != value).any() for name, value in first.items())


def test_dali():
    with pytest.raises(ConfigError, match="SWA: `Global.use_dali` must be false"):
        SWA().check({"Global": {"epochs": 4, "use_dali": True}, "Callbacks": []})


def test_a_checkpoint_of_another_model():
    callback = EMA()
    callback.load_state_dict({"trained": {"other": np.zeros(3)}, "updates": 4})
    with pytest.raises(ConfigError, match="EMA: `Global.checkpoints` must be a checkpoint of the same model"):
        callback.on_checkpoint_loaded(SimpleNamespace(model=Network()))
