"""Stages and recipes: two-stage methods in one command, each on the digits, and what each stage leaves alone."""

import numpy as np
import paddle
import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import recipes, stages
from ppcls_lt.engine import trainer

from . import engines
from .recipe_records import COMPLETE
from .test_resume import assert_same, first_epoch, saved

pytestmark = pytest.mark.slow

EPOCHS = 4
TWO_STAGES = ("weight_balancing", "crt", "lws", "tau_norm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with the digits and a plain config."""
    folder = tmp_path_factory.mktemp("stages")
    settings = engines.digits_config(
        engines.write_digits(folder / "digits"),
        "out",
        losses=[{"CELoss": {"weight": 1.0}}],
        epochs=EPOCHS,
        eval_during_train=True,
    )
    settings["Callbacks"] = [{"tests.observers.Kill": None}]
    engines.write_yaml(settings, folder / "config.yaml")
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    """Train with a recipe, once; return the engine and the output folder."""
    done = {}

    def train(recipe):
        if recipe not in done:
            output = folder / recipe
            overrides = [f"Global.recipe={recipe}", f"Global.output_dir={output}", "Global.epochs=8"]
            overrides.append("Global.eval_interval=4")
            done[recipe] = trainer.run_engine("train", folder / "config.yaml", overrides), output
        return done[recipe]

    return train


def weights(folder, prefix="latest"):
    return paddle.load(f"{engines.saved(folder, prefix)}.pdparams", return_numpy=True)


# Of one stage, a recipe's loss, sampler or schedule is trained with each Paddle elsewhere.
@pytest.mark.parametrize(
    "recipe",
    [pytest.param(name, marks=[] if name in (*TWO_STAGES, "ce") else pytest.mark.one_paddle) for name in COMPLETE],
)
def test_every_recipe_trains_on_the_digits(recipe, trained):
    engine, output = trained(recipe)
    accuracy = engine.evaluate()
    assert accuracy > 0.5
    assert list(output.rglob("latest.pdparams")) and list(output.rglob("best_model.pdparams"))


@pytest.mark.parametrize("recipe", TWO_STAGES)
def test_the_second_stage_changes_the_classifier_alone(recipe, trained):
    _, output = trained(recipe)
    before, after = weights(output / "stage_1"), weights(output / "stage_2")
    assert before.keys() == after.keys()
    changed = {key for key in before if (before[key] != after[key]).any()}
    assert changed and changed <= {"fc.weight", "fc.bias"}


def test_weight_balancing_keeps_class_vectors_in_the_ball(trained):
    _, output = trained("weight_balancing")
    start = np.linalg.norm(weights(output / "stage_1")["fc.weight"].astype("float64"), axis=0)
    radius = start.min() + 0.1 * (start.max() - start.min())
    end = np.linalg.norm(weights(output / "stage_2")["fc.weight"].astype("float64"), axis=0)
    assert (start > radius).any()
    assert (end <= radius * (1 + 1e-6)).all()


def test_crt_starts_from_a_new_classifier(trained):
    _, output = trained("crt")
    before, after = (weights(output / f"stage_{number}")["fc.weight"] for number in (1, 2))
    cosines = (before * after).sum(0) / np.linalg.norm(before, axis=0) / np.linalg.norm(after, axis=0)
    assert cosines.mean() < 0.9


def test_lws_scales_each_class_vector_and_its_bias(trained):
    _, output = trained("lws")
    before, after = weights(output / "stage_1"), weights(output / "stage_2")
    scale = np.linalg.norm(after["fc.weight"], axis=0) / np.linalg.norm(before["fc.weight"], axis=0)
    np.testing.assert_allclose(after["fc.weight"], before["fc.weight"] * scale, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(after["fc.bias"], before["fc.bias"] * scale, rtol=1e-5, atol=1e-7)
    assert scale.max() / scale.min() > 1.01


def test_tau_normalisation_divides_by_the_norms(trained):
    _, output = trained("tau_norm")
    before, after = weights(output / "stage_1"), weights(output / "stage_2")
    norms = np.linalg.norm(before["fc.weight"].astype("float64"), axis=0)
    np.testing.assert_allclose(after["fc.weight"], before["fc.weight"] / norms**0.7, rtol=1e-5)
    assert not after["fc.bias"].any()


def test_a_saved_lws_model_is_an_ordinary_model(trained, folder):
    engine, output = trained("lws")
    path = engines.saved(output / "stage_2")
    fresh = trainer.run_engine(
        "eval",
        folder / "config.yaml",
        [f"Global.pretrained_model={path}", f"Global.output_dir={folder}/evaluated"],
    )
    images = next(iter(engine.eval_loader))[0]
    engine.model.eval(), fresh.model.eval()
    np.testing.assert_allclose(engine.model(images).numpy(), fresh.model(images).numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["eval", "export"])
def test_with_the_recipe_the_named_weights_are_those_of_the_last_stage(mode, trained, folder):
    engine, output = trained("crt")
    overrides = {
        "Global.recipe": "crt",
        "Global.pretrained_model": engines.saved(output / "stage_2"),
        "Global.output_dir": folder / "last_stage",
        "Global.save_inference_dir": folder / "last_stage_exported",
    }
    fresh = trainer.run_engine(mode, folder / "config.yaml", [f"{key}={value}" for key, value in overrides.items()])
    loaded = fresh.model.state_dict()
    # A model that is to be exported lies in another, which adds a softmax.
    for name, value in engine.model.state_dict().items():
        [found] = [other for key, other in loaded.items() if key.removeprefix("base_model.") == name]
        np.testing.assert_array_equal(found.numpy(), value.numpy())


def test_the_best_weights_of_the_first_stage_can_be_the_start(folder):
    settings = engines.digits_config(
        folder / "digits", folder / "best", losses=[{"CELoss": {"weight": 1.0}}], epochs=3, eval_during_train=True
    )
    # The second epoch is the best: the third has a learning rate that spoils it.
    settings["Optimizer"]["lr"] = {"name": "Piecewise", "decay_epochs": [2], "values": [0.05, 3.0], "by_epoch": True}
    settings["Stages"] = [
        {},
        {"start_from": "best", "Global": {"epochs": 0}, "Callbacks": [{"TauNormalize": {"tau": 1}}]},
    ]
    engines.build_engine(settings).train()
    best, last = (weights(folder / "best" / "stage_1", prefix) for prefix in ("best_model", "latest"))
    start = weights(folder / "best" / "stage_2")
    assert any((best[key] != last[key]).any() for key in best if key.startswith("conv"))
    assert all((best[key] == start[key]).all() for key in best if not key.startswith("fc."))


def test_a_later_stage_starts_from_the_stage_before_not_from_the_first_stages_weights(trained, folder):
    _, other = trained("ce")
    settings = engines.digits_config(folder / "digits", folder / "from", losses=[{"CELoss": {"weight": 1.0}}], epochs=2)
    settings["Global"]["pretrained_model"] = str(engines.saved(other))
    settings["Stages"] = [{}, {"Global": {"epochs": 0}, "Callbacks": [{"TauNormalize": {"tau": 1}}]}]
    engines.build_engine(settings).train()
    first, second = (weights(folder / "from" / f"stage_{number}") for number in (1, 2))
    assert all((first[key] == second[key]).all() for key in first if not key.startswith("fc."))
    assert any((weights(other)[key] != second[key]).any() for key in first if not key.startswith("fc."))


def test_a_checkpoint_of_another_folder_makes_the_folder_its_runs(folder):
    """A run taken over into a folder that an earlier run has marked goes on there as itself."""

    def settings(output, epochs, **overrides):
        return engines.digits_config(
            folder / "digits", folder / output, losses=[{"CELoss": {"weight": 1.0}}], epochs=epochs, **overrides
        )

    for output in ("old", "new"):
        engines.build_engine(settings(output, 2)).train()
    goes_on = {"checkpoints": str(engines.saved(folder / "new")), "extend_to": 3}
    with pytest.raises(ConfigError, match="`output_dir` must be a folder without the checkpoints of another training"):
        engines.build_engine(settings("old", 2, **goes_on))
    engines.build_engine(settings("old", 2, overwrite=True, **goes_on)).train()
    engine = engines.build_engine(settings("old", 2, extend_to=4))
    assert engine.config["Global"]["checkpoints"] == str(engines.saved(folder / "old"))


def test_a_later_stage_goes_on_without_the_stage_before(trained, folder):
    _, output = trained("crt")
    overrides = ["Global.recipe=crt", f"Global.output_dir={folder}/elsewhere", "Global.epochs=8"]
    overrides.append("Global.extend_to=6")
    overrides.append(f"Global.checkpoints={engines.saved(output / 'stage_2')}")
    trainer.run_engine("train", folder / "config.yaml", overrides)
    assert engines.saved(folder / "elsewhere" / "stage_2")
    assert not (folder / "elsewhere" / "stage_1").exists()


@pytest.mark.parametrize("moment", ["1/2:3", "1/save:4", "2/1:5", "2/save:2"])
def test_an_interrupted_run_goes_on_in_its_stage(moment, folder):
    """Killed in either stage, in a step or in a save, and resumed: the end is that of a whole run."""
    stage, _, when = moment.partition("/")
    environment = {"KILL": when, "KILL_STAGE": stage}
    name = "run_" + moment.replace("/", "_").replace(":", "_")

    def train(output, **kwargs):
        arguments = [
            "-m",
            "ppcls_lt",
            "train",
            "-c",
            "config.yaml",
            "--recipe",
            "two_stages.yaml",
            "--resume",
        ]
        return engines.run([*arguments, "-o", f"Global.output_dir={output}"], cwd=folder, **kwargs)

    (folder / "two_stages.yaml").write_text(TWO_STAGE_RECIPE)
    if not (folder / "whole").exists():
        result = train("whole")
        assert result.returncode == 0, result.stdout
    result = train(name, environment=environment)
    assert result.returncode == -9, result.stdout
    result = train(name)
    assert result.returncode == 0, result.stdout
    assert first_epoch(result.stdout) == int(when.strip("save:").partition(":")[0])
    assert ("stage_1" in result.stdout.partition("resuming")[2].partition("\n")[0]) == (stage == "1")
    for number in (1, 2):
        for ending in ("pdparams", "pdopt"):
            assert_same(*(saved(folder / output / f"stage_{number}", ending) for output in ("whole", name)))


TWO_STAGE_RECIPE = """
Stages:
  - {}
  - Global: {epochs: 2}
    DataLoader: {Train: {sampler: {name: WeightBalancedSampler, mode: class_balanced}}}
    Callbacks: [FreezeLayers: , LearnableWeightScaling: , tests.observers.Kill: ]
"""


def test_stages_run_in_two_processes(folder):
    """The first process still writes the first stage's weights when the others want to start from them."""
    output = folder / "pair"
    result = engines.together(
        engines.ROOT / "scripts" / "train.py",
        *("-c", folder / "config.yaml", "--recipe", "lws", "-o", f"Global.output_dir={output}"),
        *("-o", "Global.epochs=2", "-o", "DataLoader.Train.sampler.batch_size=64"),
        cwd=folder,
    )
    assert result.returncode == 0, result.stdout
    before, after = weights(output / "stage_1"), weights(output / "stage_2")
    assert {key for key in before if (before[key] != after[key]).any()} == {"fc.weight", "fc.bias"}


def test_stages_override_the_rest():
    base = {
        "Global": {"epochs": 30, "output_dir": "out"},
        "Arch": {"name": "A"},
        "Optimizer": {"name": "Momentum", "lr": {"name": "Piecewise", "values": [0.1, 0.01], "decay_epochs": [9]}},
        "DataLoader": {"Train": {"sampler": {"name": "Old", "batch_size": 8, "drop_last": True, "shuffle": True}}},
        "Loss": {"Train": [{"CELoss": {"weight": 1.0}}]},
        "Stages": [
            {},
            {
                "Global": {"epochs": 0.25},
                "Optimizer": {"lr": {"name": "Cosine"}},
                "DataLoader": {"Train": {"sampler": {"name": "New", "mode": "x"}}},
                "Loss": {"Train": [{"IBLoss": {"weight": 1.0}}]},
            },
            {"Global": {"epochs": 0}},
        ],
    }
    first, second, third = stages.plan(base)
    assert [stage["Global"]["epochs"] for stage in (first, second, third)] == [30, 8, 0]
    assert [stage["Global"]["output_dir"] for stage in (first, second)] == ["out/stage_1", "out/stage_2"]
    assert first["Optimizer"] == base["Optimizer"] and first["Loss"] == base["Loss"]
    assert second["Optimizer"]["lr"] == {"name": "Cosine", "learning_rate": 0.1}
    sampler = second["DataLoader"]["Train"]["sampler"]
    assert sampler == {"name": "New", "mode": "x", "batch_size": 8, "drop_last": True}
    assert second["Loss"]["Train"] == [{"IBLoss": {"weight": 1.0}}]
    second["Optimizer"]["lr"]["learning_rate"] = 5
    assert base["Optimizer"]["lr"]["values"] == [0.1, 0.01] and base["Global"]["epochs"] == 30


@pytest.mark.parametrize(
    "given, message",
    [
        ({"Stages": {}}, "`Stages` must be a list of maps"),
        ({"Stages": []}, "`Stages` must be a list of maps"),
        ({"Stages": [{"Optimiser": {}}]}, r"Stages\[0\]: unknown section 'Optimiser' \(did you mean 'Optimizer'"),
        ({"Stages": [{}, {"start_from": "first"}]}, r"Stages\[1\]: `start_from` must be one of best, last"),
        ({"Stages": [{}, {"Global": {"epochs": 1.5}}]}, r"Stages\[1\]: `Global.epochs` must be .* <= 1"),
        (
            {"Stages": [{"Global": {"eval_during_train": False}}, {"start_from": "best"}]},
            "`start_from` must be last where",
        ),
    ],
)
def test_mistakes_in_stages(given, message):
    base = {"Global": {"epochs": 3, "output_dir": "out"}, "Arch": {"name": "A"}, "Optimizer": {}}
    with pytest.raises(ConfigError, match=message):
        stages.plan({**base, **given})


def test_an_unknown_recipe_is_named():
    with pytest.raises(ConfigError, match=r"`ppcls-lt recipes` lists \(did you mean 'ldam_drw'\?\), got 'ldam-drw'"):
        recipes.read("ldam-drw")
