"""A user's mistake about samplers, callbacks, stages or checkpoints: a clear message before any training."""

import pytest
import yaml

from ppcls_lt.commands import main as cli

from . import engines


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture
def settings(data, tmp_path):
    """The packaged CE config with this test's paths, as plain YAML data."""
    return engines.packaged("ce", data, tmp_path / "output", epochs=2)


def callback(name, **params):
    """A mistake that is one callback."""
    return lambda settings: settings.update(Callbacks=[{name: params or None}])


def after(change, settings_change):
    """Two changes, one after the other."""

    def both(settings):
        change(settings)
        settings_change(settings)

    return both


def focal(settings):
    settings["Loss"]["Train"] = [{"FocalLoss": {"weight": 1.0}}]


def sampler(**params):
    return lambda settings: settings["DataLoader"]["Train"].update(sampler={"batch_size": 32, **params})


def section(**entries):
    return lambda settings: settings.update(entries)


def in_global(**entries):
    return lambda settings: settings["Global"].update(entries)


def normalized(settings):
    settings["Arch"]["classifier"] = "normalized"
    settings["Loss"]["Train"] = [{"LDAMLoss": {"weight": 1.0, "num_class_list": "auto"}}]


MISTAKES = {
    "unknown callback": (callback("MaxNorm"), "Callbacks[0]: unknown callback 'MaxNorm' (did you mean 'MaxNormPGD'?)"),
    "callbacks that are a map": (
        section(Callbacks={"FreezeLayers": None}),
        "Callbacks: must be a list of one-key maps, got ",
    ),
    "misspelt section": (section(Callback=[]), "unknown section 'Callback' (did you mean 'Callbacks'?)"),
    "unknown parameter of a callback": (
        callback("MaxNormPGD", thres=0.1),
        "Callbacks[0] MaxNormPGD: unknown parameter 'thres' (did you mean 'thresh'?)",
    ),
    "tau": (callback("MaxNormPGD", tau=1.0), "Callbacks[0] MaxNormPGD: unknown parameter 'tau'"),
    "value of a callback": (
        callback("MaxNormPGD", thresh=1.5),
        "MaxNormPGD: `thresh` must be a finite number >= 0 and <= 1, got 1.5 (float)",
    ),
    "a start behind the end": (
        after(focal, callback("DeferredReweighting", start=160)),
        "DeferredReweighting: `start` must be an epoch of this run, at most Global.epochs (2), got 160 (int)",
    ),
    "a start at the end": (
        after(focal, callback("DeferredReweighting", start=1.0)),
        "DeferredReweighting: `start` must be an epoch counted from 1 (an integer >= 1) or a fraction",
    ),
    "a start before the first epoch": (after(focal, callback("DRW", start=0)), "DeferredReweighting: `start` must be"),
    "freezing later": (
        callback("FreezeLayers", start=5),
        "Callbacks[0] FreezeLayers: has no `start`, it acts from the beginning of a training, got start = 5",
    ),
    "resetting later": (
        callback("ResetClassifier", start=0.5),
        "ResetClassifier: has no `start`, it acts from the beginning of a training, got start = 0.5",
    ),
    "weights for no loss": (
        callback("DeferredReweighting"),
        "DeferredReweighting: `Loss.Train` must be a list with a loss that takes class weights, got ['CELoss']",
    ),
    "unknown class weights": (
        after(focal, callback("DeferredReweighting", class_weight="efective_number")),
        "did you mean 'effective_number'",
    ),
    "resampling without a sampler": (
        callback("DeferredResampling"),
        "DeferredResampling: `DataLoader.Train.sampler.name` must be WeightBalancedSampler, got 'Distributed",
    ),
    "a schedule without its first loss": (
        callback("LossSchedule"),
        "Callbacks[0] LossSchedule: `before` must be given, got nothing",
    ),
    "an unknown first loss": (
        callback("LossSchedule", before="CELos"),
        "Callbacks[0] LossSchedule.before[0]: unknown loss 'CELos' (did you mean 'CELoss'?)",
    ),
    "a wrong first loss": (
        callback("LossSchedule", before={"FocalLoss": {"weight": 1.0, "gamma": -1}}),
        "FocalLoss: `gamma` must be a finite number >= 0, got -1 (int)",
    ),
    "a schedule from the first epoch": (
        callback("LossSchedule", before="CELoss", start=1),
        "LossSchedule: `start` must be an epoch after the first",
    ),
    "a first loss with parameters": (
        callback("LossSchedule", before={"CenterLoss": {"weight": 1.0, "num_classes": 10, "feat_dim": 4}}),
        "LossSchedule: `before` must be without parameters",
    ),
    "no layer to freeze": (callback("FreezeLayers", layers=["blok.*"]), "FreezeLayers: `layers` must be"),
    "a norm that changes nothing": (after(normalized, callback("MaxNormPGD")), "MaxNormPGD: `Arch.classifier` must be"),
    "a callback that cannot be imported": (callback("no.such.Thing"), "no.such.Thing must be the path of a subclass"),
    "a callback that is none": (callback("json.JSONDecoder"), "json.JSONDecoder must be the path of a subclass"),
    "a callback whose module is broken": (callback("broken_module.Thing"), "broken_module.Thing must be importable"),
    "unknown sampler": (sampler(name="WeightBalancedSample"), "did you mean 'WeightBalancedSampler'?"),
    "unknown parameter of a sampler": (
        sampler(name="WeightBalancedSampler", betas=0.9),
        "DataLoader.Train.sampler WeightBalancedSampler: unknown parameter 'betas' (did you mean 'beta'?)",
    ),
    "value of a sampler": (
        sampler(name="WeightBalancedSampler", mode="squareroot"),
        "(did you mean 'square_root'?), got 'squareroot' (str)",
    ),
    "an unshuffled sampler": (
        sampler(name="WeightBalancedSampler", shuffle=False),
        "WeightBalancedSampler: `shuffle` must be true",
    ),
    "parameters that are no map": (
        section(Callbacks=[{"MaxNormPGD": 0.1}]),
        "Callbacks[0] MaxNormPGD: must have a map of parameters, got 0.1",
    ),
    "a callback twice": (
        section(Callbacks=[{"LearnableWeightScaling": None}, {"LearnableWeightScaling": None}]),
        "Callbacks[1]: LearnableWeightScaling is listed twice",
    ),
    "a start in a stage of no epochs": (
        after(focal, after(callback("DRW"), in_global(epochs=0))),
        "DeferredReweighting: `start` must be left out of a stage of no epochs",
    ),
    "no losses, and weights for them": (
        lambda settings: (settings["Loss"].update(Train=None), callback("DRW")(settings)),
        "Loss: `Train` must be a list of losses, to train, got None",
    ),
    "a loss that is a number": (
        lambda settings: settings["Loss"].update(Train=[{"CELoss": 1.0}]),
        "Loss.Train[0] CELoss: must have a map of parameters, got 1.0",
    ),
    "a sampler that is a name": (
        lambda settings: settings["DataLoader"]["Train"].update(sampler="WeightBalancedSampler"),
        "DataLoader.Train.sampler: must be a map, got",
    ),
    "a sampler without a batch size": (
        lambda settings: settings["DataLoader"]["Train"].update(sampler={"name": "WeightBalancedSampler"}),
        "DataLoader.Train.sampler WeightBalancedSampler: `batch_size` must be given, got nothing",
    ),
    "weight decay twice": (
        after(lambda settings: settings["Optimizer"].update(name="AdamW"), in_global(recipe="weight_balancing")),
        "Optimizer: `regularizer` must be left out with AdamW, which takes `weight_decay`",
    ),
    "seed": (in_global(seed=1.5), "Global: `seed` must be an integer >= 0, got 1.5 (float)"),
    "a checkpoint that is a number": (
        in_global(checkpoints=5),
        "Global: `checkpoints` must be the path of a checkpoint",
    ),
    "a stage whose section is a list": (
        section(Stages=[{"Global": [1]}]),
        "Stages[0]: `Global` must be a map, got [1]",
    ),
    "epochs": (in_global(epochs=-1), "Global: `epochs` must be an integer >= 0, got -1 (int)"),
    "a checkpoint that is not there": (
        in_global(checkpoints="output/latest"),
        "Global: `checkpoints` must name a whole checkpoint, got output/latest: latest.pdparams is missing",
    ),
    "two ways to resume": (
        in_global(checkpoints="output/latest", resume=True),
        "Global: `resume` finds the checkpoint by itself",
    ),
    "unknown recipe": (in_global(recipe="ldam_drv"), "(did you mean 'ldam_drw'?)"),
    "a stage's mistake": (
        section(Stages=[{}, {"Callbacks": [{"FrezeLayers": None}]}]),
        "unknown callback 'FrezeLayers' (did you mean 'FreezeLayers'?)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_before_training(mistake, settings, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "broken_module.py").write_text("import no_such_module\n")
    change, expected = MISTAKES[mistake]
    change(settings)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    assert cli.main(["train", "-c", str(path)]) == 2
    (message,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ppcls-lt: error: ")]
    assert expected in message
    assert not list(tmp_path.rglob("*.pdparams"))


@pytest.fixture
def trained(settings, tmp_path):
    """The path of a config that was trained with one callback, and its checkpoint."""
    settings["Callbacks"] = [{"MaxNormPGD": {"thresh": 0.5}}]
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    assert cli.main(["train", "-c", str(path)]) == 0
    checkpoint = engines.saved(tmp_path)
    return path, checkpoint


def test_other_callbacks_than_the_checkpoints_are_named(trained, settings, capsys):
    path, checkpoint = trained
    settings["Callbacks"] = [{"L2NormPGD": None}]
    settings["Global"].update(checkpoints=str(checkpoint), epochs=3)
    path.write_text(yaml.safe_dump(settings))
    assert cli.main(["train", "-c", str(path)]) == 2
    assert "Callbacks.0.MaxNormPGD: {'thresh': 0.5} in the run, not set now" in capsys.readouterr().err


def test_other_layers_than_the_checkpoints_are_named(trained, settings, capsys):
    path, checkpoint = trained
    settings["Callbacks"] = [{"MaxNormPGD": {"thresh": 0.5, "layers": ["conv1"]}}]
    settings["Global"].update(checkpoints=str(checkpoint), epochs=3)
    path.write_text(yaml.safe_dump(settings))
    assert cli.main(["train", "-c", str(path)]) == 2
    assert "Callbacks.0.MaxNormPGD.layers: not set in the run, ['conv1'] now" in capsys.readouterr().err


def test_no_epochs_never_take_a_trained_checkpoints_place(trained, capsys):
    path, checkpoint = trained
    before = checkpoint.with_suffix(".pdparams").read_bytes()
    assert cli.main(["train", "-c", str(path), "--resume", "-o", "Global.epochs=0"]) == 2
    assert "Global.epochs: 2 in the run, 0 now" in capsys.readouterr().err
    assert checkpoint.with_suffix(".pdparams").read_bytes() == before
    flags = ["-o", f"Global.checkpoints={checkpoint}", "-o", "Global.epochs=0"]
    assert cli.main(["train", "-c", str(path), *flags]) == 2
    assert "Global: `checkpoints` must be left out for a stage of no epochs" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["pdparams", "pdopt", "pdstates", "pdlt"])
def test_a_torn_file_is_reported_and_never_loaded(ending, trained, capsys):
    path, checkpoint = trained
    file = checkpoint.with_suffix(f".{ending}")
    file.write_bytes(file.read_bytes()[:-2])
    assert cli.main(["train", "-c", str(path), "-o", f"Global.checkpoints={checkpoint}"]) == 2
    assert f"latest.{ending} is torn" in capsys.readouterr().err


def test_a_checkpoint_of_the_host_alone_is_gone_on_from_with_a_warning(trained, settings, caplog):
    path, checkpoint = trained
    for ending in (".pdlt", ".manifest.json"):
        checkpoint.with_name("latest" + ending).unlink()
    with caplog.at_level("INFO", logger="ppcls"):
        assert (
            cli.main(["train", "-c", str(path), "-o", f"Global.checkpoints={checkpoint}", "-o", "Global.epochs=3"]) == 0
        )
    text = caplog.text
    assert "was saved without ppcls_lt" in text and "[Epoch 3/3]" in text and "[Epoch 2/3]" not in text
