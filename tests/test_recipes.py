"""Recipes made of parts: what each gives, how they combine, and what is said where they cannot."""

import argparse
import copy
import itertools

import paddle
import pytest
import yaml

from ppcls_lt.basis import registry
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import modes
from ppcls_lt.commands.main import main
from ppcls_lt.configuration import reading, recipes, replaced, stages
from ppcls_lt.configuration.recipes import kinds
from ppcls_lt.configuration.renewed import renewed
from ppcls_lt.engine import checklist, trainer
from ppcls_lt.jobs import candidates

from . import commands, engines
from .recipe_records import BASES, COMPLETE, FRAGMENTS, PLANS

PLAIN = BASES["plain"]
# In the place of the host's cross entropy where images are mixed.
OURS = {"CELoss": {"weight": 1.0, "class_weight": "none"}}


def with_recipe(recipe, base=PLAIN):
    return {**base, "Global": {**base["Global"], "recipe": recipe}}


def laid(recipe, base=PLAIN):
    return recipes.laid(base, recipes.read(recipe))


def with_our_cross_entropy(stage):
    """Stage of before, of a base that mixes, as it is since: the host's cross entropy softened mixed labels twice."""
    train = [OURS if entry == {"CELoss": {"weight": 1.0}} else entry for entry in stage["Loss"]["Train"]]
    callbacks = copy.deepcopy(stage.get("Callbacks"))
    for entry in callbacks or []:
        if (entry.get("LossSchedule") or {}).get("before") == "CELoss":
            entry["LossSchedule"]["before"] = OURS
    return {**stage, "Loss": {**stage["Loss"], "Train": train}, **({"Callbacks": callbacks} if callbacks else {})}


def operators(config, name="transform_ops"):
    return [next(iter(entry)) for entry in config["DataLoader"]["Train"]["dataset"][name] or []]


def path_of(tmp_path, content, name="mine.yaml"):
    path = tmp_path / name
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_second_names_of_callbacks_are_those_that_are_registered():
    registered = registry.registered("callback")
    assert {name: each.__name__ for name, each in registered.items() if name != each.__name__} == kinds.ALIASES


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    trainer.register()
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


def with_callbacks_of_the_base(stage, name):
    """Stage of before as it is since: callbacks of a recipe took the place of all, whatever their kind."""
    brought = [list(entry) for entry in FRAGMENTS[name].get("Callbacks", [])]
    if not brought or [list(entry) for entry in stage["Callbacks"]] != brought:
        return stage
    return {**stage, "Callbacks": PLAIN["Callbacks"] + stage["Callbacks"]}


@pytest.mark.parametrize("name", COMPLETE)
def test_a_recipe_of_before_gives_what_it_gave(name):
    assert name in recipes.names()
    for base, content in BASES.items():
        wanted = [with_our_cross_entropy(with_callbacks_of_the_base(stage, name)) for stage in PLANS[name][base]]
        assert list(map(renewed, stages.plan(with_recipe(name, content)))) == list(map(renewed, wanted))
    # A user's own fragment does so too, but that its lists take the place of those that there are.
    whole = with_callbacks_of_the_base(recipes.laid(PLAIN, recipes.of_config(FRAGMENTS[name])), name)
    assert renewed(whole) == renewed(laid(name))


@pytest.mark.parametrize("name", recipes.known())
def test_a_packaged_part_brings_the_kind_that_it_says_and_is_accepted(name, data, tmp_path):
    recipe = recipes.read(name)
    for part in recipe.parts:
        assert part.kind in part.kinds and part.kind in recipes.KINDS
    content = recipes.read_content(name)
    assert content["summary"] and content["source"] and not content["summary"].endswith(".")
    losses = [{"FocalLoss": {"weight": 1.0}}]  # which takes class weights and smoothed labels
    settings = engines.digits_config(data, tmp_path / "out", losses=losses, recipe=name, epochs=10)
    partner = {"deferred_resampling": "resample", "normalized": "ldam"}.get(name)
    if partner is not None:
        settings["Global"]["recipe"] = [name, partner]
    if any("adapter" in part.kinds for part in recipe.parts):  # which are trained beside pretrained weights
        paddle.save({}, str(tmp_path / "start.pdparams"))
        settings["Global"]["pretrained_model"] = str(tmp_path / "start")
    checklist.checked_plan(settings, "train")


class TestCombinations:
    def test_the_order_in_which_they_are_written_does_not_matter(self):
        parts = ["ldam_drw", "randaugment", "mixup", "cosine"]
        name = "ldam_drw+randaugment+mixup+cosine"
        plans = [stages.plan(with_recipe(list(order))) for order in itertools.permutations(parts)]
        assert all(plan == plans[0] for plan in plans)
        assert plans[0][0]["Global"]["recipe"] == name
        for form in ("+".join(parts[::-1]), " + ".join(parts), f"[{', '.join(parts)}]", tuple(parts)):
            assert stages.plan(with_recipe(form)) == plans[0]

    @pytest.mark.parametrize(
        "asked, kind, both",
        [
            ("ldam_drw+cb_focal", "loss", "ldam_drw (ldam) and cb_focal"),
            ("mixup+cutmix", "mixing", "mixup and cutmix"),
            ("resample+square_root", "sampling", "resample and square_root"),
            ("drs+drw", "deferral", "drs (deferred_resampling) and drw"),
            ("weight_balancing+wd_5e-4", "weight decay", "weight_balancing and wd_5e-4"),
        ],
    )
    def test_two_parts_of_one_kind_are_an_error_that_names_both(self, asked, kind, both):
        for form in (asked, asked.split("+")):
            with pytest.raises(ConfigError) as error:
                stages.plan(with_recipe(form))
            must = f"configuration: `recipe` must be made of parts of which no two are of the kind {kind}, got "
            assert str(error.value) == f"{must}{both}; leave out one of them"

    def test_one_recipe_twice(self):
        with pytest.raises(ConfigError, match="must be made of different recipes, got mixup, which is there twice"):
            stages.plan(with_recipe("mixup+cosine+mixup"))

    @pytest.mark.parametrize(
        "asked, said",
        [
            (
                "tau_norm+ldam",
                "TauNormalize: `Arch.classifier` must be .*, got normalized; leave out .*`ldam`",
            ),
            ("lws+ldam", "LearnableWeightScaling: `Arch.classifier` must be .*, got normalized; leave out .*`ldam`"),
            ("mislas+ldam", "LearnableWeightScaling: `Arch.classifier` must be .*, got normalized; leave out .*`ldam`"),
            (
                "ib+imbsam",
                "ImbSAM: `Loss.Train` must be .*, got IBLoss, whose .*; take another loss than IBLoss",
            ),
            (
                "etf+ldam",
                "got s = 30 on `Arch.classifier: etf`, whose .*; leave out `etf` and set .*, or take a",
            ),
            (
                "label_aware_smoothing+label_smoothing",
                "part label_smoothing can be added, got LabelAwareSmoothingLoss, which has no parameter "
                "`label_smoothing`; leave out label_smoothing",
            ),
        ],
    )
    def test_parts_that_cannot_be_trained_together_are_refused_before_any_training(self, asked, said, data, tmp_path):
        settings = engines.digits_config(data, tmp_path, losses=[{"CELoss": {"weight": 1.0}}], recipe=asked, epochs=10)
        with pytest.raises(ConfigError, match=said):
            checklist.checked_plan(settings, "train")

    def test_the_default_loss_yields_to_a_named_one(self):
        assert laid("resample+cb_focal")["Loss"] == laid("cb_focal")["Loss"]
        assert laid("resample+cb_focal")["DataLoader"] == laid("resample")["DataLoader"]
        assert laid("resample")["Loss"]["Train"] == [OURS]  # as the base mixes
        assert laid("cosine")["Loss"] == PLAIN["Loss"]  # nor does a part that brings none change the base's
        assert laid("ldam+normalized") == laid("ldam")
        with pytest.raises(ConfigError, match="of the kind loss, got ce and focal"):
            laid("ce+focal")

    @pytest.mark.parametrize("wrong", [3, [], ["mixup", 3], "mixup+", "", {"mixup": 1}, "[]"])
    def test_what_is_no_recipe(self, wrong):
        with pytest.raises(ConfigError, match="configuration: `recipe` must be"):
            stages.plan(with_recipe(wrong))

    def test_an_unknown_part_is_answered_with_the_nearest(self):
        with pytest.raises(ConfigError, match=r"\(did you mean 'mixup'\?\), got 'mixupp'"):
            laid("ldam_drw+mixupp")


class TestStages:
    def test_mixing_holds_in_the_first_stage_and_the_others_in_all(self):
        first, second = stages.plan(with_recipe("crt+mixup+randaugment+wd_5e-4"))
        assert operators(first, "batch_transform_ops") == ["MixupOperator"]
        assert operators(second, "batch_transform_ops") == []  # that of the base is replaced too
        for stage in (first, second):
            assert "RandAugment" in operators(stage) and "TimmAutoAugment" not in operators(stage)
            assert stage["Optimizer"]["regularizer"] == {"name": "L2", "coeff": 0.0005}
        assert second["Optimizer"]["lr"]["name"] == "Cosine" and first["Optimizer"]["lr"]["name"] == "Piecewise"

    def test_the_stages_of_the_file_itself(self):
        first, second = stages.plan(with_recipe("mixup+wd_5e-4", BASES["stages"]))
        assert operators(first, "batch_transform_ops") == ["MixupOperator"] and first["Optimizer"]["lr"]
        assert operators(second, "batch_transform_ops") == []
        assert second["Callbacks"] == [{"ResetClassifier": None}]
        assert {stage["Optimizer"]["regularizer"]["coeff"] for stage in (first, second)} == {0.0005}

    def test_a_part_says_where_it_holds(self, tmp_path):
        content = {"kind": "mixing", "stages": "all", "config": recipes.read("mixup").parts[0].config}
        first, second = stages.plan(with_recipe(["crt", path_of(tmp_path, content)]))
        assert operators(first, "batch_transform_ops") == operators(second, "batch_transform_ops") == ["MixupOperator"]


class TestPlaces:
    def test_a_policy_stands_before_the_normalisation_in_the_place_of_the_bases_own(self):
        wanted = ["DecodeImage", "RandCropImage", "RandAugment", "NormalizeImage", "RandomErasing"]
        assert operators(laid("randaugment")) == wanted
        lines = replaced.lines(PLAIN, recipes.read("randaugment+mixup"))
        assert lines == [
            "recipe randaugment+mixup replaces DataLoader.Train.dataset.transform_ops: "
            "[{TimmAutoAugment: {prob: 0.5}}] -> [{RandAugment: {num_layers: 2, magnitude: 5}}]",
            "recipe randaugment+mixup replaces DataLoader.Train.dataset.batch_transform_ops: "
            "[{OpSampler: {MixupOperator: {alpha: 0.8, prob: 0.5}}}] -> [{MixupOperator: {alpha: 1.0}}]",
        ]

    @pytest.mark.parametrize(
        "size, policy, length", [(224, "AutoAugment", 112), (32, "CIFAR10Policy", 16), ([28, 64], "CIFAR10Policy", 14)]
    )
    def test_policy_and_cutout_go_by_the_size_of_the_images(self, size, policy, length):
        base = copy.deepcopy(PLAIN)
        dataset = base["DataLoader"]["Train"]["dataset"]
        dataset["transform_ops"][1] = {"RandCropImage": {"size": size}}
        whole = laid("cutout+autoaugment", base)
        assert operators(whole) == ["DecodeImage", "RandCropImage", policy, "NormalizeImage", "Cutout"]
        assert whole["DataLoader"]["Train"]["dataset"]["transform_ops"][-1]["Cutout"]["length"] == length
        dataset["transform_ops"][1] = {"RandFlipImage": None}
        with pytest.raises(ConfigError, match="Global: `image_shape` must be given as .* and cutout goes by the size"):
            laid("cutout", base)
        base["Global"]["image_shape"] = [3, 32, 48]
        assert laid("cutout", base)["DataLoader"]["Train"]["dataset"]["transform_ops"][-1]["Cutout"]["length"] == 16
        del base["DataLoader"], base["Global"]["image_shape"]
        assert "DataLoader" not in laid("cutout+mixup+autoaugment", base)

    def test_the_warm_up_stays(self):
        wanted = {"name": "Cosine", "learning_rate": 0.1, "warmup_epoch": 3}
        assert laid("cosine")["Optimizer"]["lr"] == wanted

    def test_the_weight_decay_of_an_optimizer_that_has_its_own(self):
        base = {**PLAIN, "Optimizer": {"name": "AdamW", "lr": {"name": "Cosine"}, "weight_decay": 0.05}}
        assert laid("wd_5e-4", base)["Optimizer"] == {**base["Optimizer"], "weight_decay": 0.0005}
        # A stage's too, and where another optimizer than AdamW has a `weight_decay`.
        for name in ("AdamW", "AdamWDL", "Adam"):
            base["Optimizer"]["name"] = name
            plan = stages.plan(with_recipe("weight_balancing", base))
            assert [stage["Optimizer"]["weight_decay"] for stage in plan] == [0.005, 0.1]
            assert not any("regularizer" in stage["Optimizer"] for stage in plan)
        assert laid("lift_sgd", base)["Optimizer"]["regularizer"] == {"name": "L2", "coeff": 0.0005}
        said = [change.place for change in replaced.changes(base, recipes.read("weight_balancing"))]
        assert {"Stages[0]: Optimizer.weight_decay", "Stages[1]: Optimizer.weight_decay"} < set(said)

    def test_a_list_of_optimizers(self, tmp_path):
        base = {**PLAIN, "Optimizer": [{"SGD": {"scope": "RecModel"}}]}
        for name in ("wd_5e-4", "cosine", "lift_sgd", "crt", "lws", "mislas", "weight_balancing", "lp_ft"):
            with pytest.raises(ConfigError) as error:
                laid(name, base)
            must = f"configuration: `Optimizer` must be one optimizer, for {name}, got a list of them; "
            remedy = f"write one optimizer with its `name` in the place of the list, or leave out {name}"
            assert str(error.value) == must + remedy
        assert laid("ldam_drw", base)["Optimizer"] == base["Optimizer"]
        whole = {"Optimizer": {"name": "SGD", "lr": {"name": "Cosine", "learning_rate": 0.1}}}
        assert laid(path_of(tmp_path, whole), base)["Optimizer"] == whole["Optimizer"]
        with pytest.raises(ConfigError, match="must be one optimizer, for .*mine.yaml, got a list"):
            laid(path_of(tmp_path, {"Optimizer": {"lr": {"learning_rate": 0.1}}}), base)

    def test_labels_are_smoothed_in_whatever_loss_there_is(self):
        assert laid("label_smoothing")["Loss"]["Train"] == [{"CELoss": {"weight": 1.0, "epsilon": 0.1}}]
        whole = laid("ib+label_smoothing")
        assert whole["Loss"]["Train"][0]["IBLoss"]["label_smoothing"] == 0.1
        assert whole["Callbacks"][-1]["LossSchedule"]["before"] == {"CELoss": {"weight": 1.0, "epsilon": 0.1}}

    def test_mixed_labels_do_not_reach_the_hosts_cross_entropy(self):
        """It applies a softmax to them."""
        assert laid("ce+mixup")["Loss"]["Train"] == [OURS]
        assert laid("ib+mixup")["Callbacks"][-1]["LossSchedule"]["before"] == OURS
        assert laid("mixup")["Loss"] == PLAIN["Loss"]  # which smooths, and so does not
        assert laid("focal+mixup")["Loss"] == laid("focal")["Loss"]

    @pytest.mark.parametrize("name", ["resample", "square_root", "crt", "lws", "ce", "ib"])
    def test_nor_do_labels_that_the_file_itself_mixes(self, name):
        for entry in ({"MixupOperator": {"alpha": 0.2}}, {"OpSampler": {"CutmixOperator": {"alpha": 1.0}}}):
            base = copy.deepcopy(PLAIN)
            dataset = base["DataLoader"]["Train"]["dataset"]
            dataset["batch_transform_ops"] = [entry]
            train = laid(name, base)["Loss"]["Train"]
            assert train == ([OURS] if name != "ib" else laid("ib")["Loss"]["Train"])
            del dataset["batch_transform_ops"]
            assert OURS not in laid(name, base)["Loss"]["Train"]
            base["Stages"] = [{"DataLoader": {"Train": {"dataset": {"batch_transform_ops": [entry]}}}}, {}]
            assert laid("resample", base)["Loss"]["Train"] == [OURS]

    def test_deferred_class_weights_have_a_loss_that_takes_them(self):
        assert laid("resample+drw")["Loss"]["Train"] == [{"CELoss": {"weight": 1.0, "class_weight": "none"}}]

    def test_dali_has_operators_of_its_own(self):
        with pytest.raises(ConfigError, match="Global: `use_dali` must be false for mixup, got true"):
            laid("mixup", {**PLAIN, "Global": {**PLAIN["Global"], "use_dali": True}})

    def test_callbacks_of_another_kind_stay_in_every_stage(self, tmp_path):
        step = path_of(tmp_path, {"kind": "step", "config": {"Callbacks": [{"my.Step": None}]}}, "step.yaml")
        average = {"kind": "averaging", "config": {"Callbacks": [{"my.Average": None}]}}
        both = [step, path_of(tmp_path, average, "average.yaml")]
        own = PLAIN["Callbacks"]
        added = [{"my.Step": None}, {"my.Average": None}]
        base = {**PLAIN, "EMA": {"decay": 0.9}}
        assert laid(both, base)["Callbacks"] == own + added and "EMA" not in laid(both, base)
        assert "recipe" in str(replaced.lines(base, recipes.read(both)))
        first, second = stages.plan(with_recipe([*both, "crt", "drw"]))
        assert first["Callbacks"] == [*own, {"DeferredReweighting": {"start": 0.8}}, *added]
        assert second["Callbacks"] == [{"FreezeLayers": None}, {"ResetClassifier": None}, *added]

    def test_callbacks_of_the_file_yield_to_those_of_their_kind_alone(self):
        own = [{"MaxNormPGD": {"thresh": 0.2}}, {"EMA": {"decay": 0.9}}, {"my.Logger": None}]
        drw, late = {"DeferredReweighting": {"start": 0.8}}, {"DeferredReweighting": {"start": 0.5}}
        base = {**PLAIN, "Callbacks": own}
        for recipe in ("ldam_drw", "ce_drw", ["ce", "drw"]):
            assert laid(recipe, base)["Callbacks"] == [*own, drw]
            for other in (late, {"DRW": {"start": 0.5}}, {"DRS": {"start": 0.5}}):
                assert laid(recipe, {**PLAIN, "Callbacks": [other, *own]})["Callbacks"] == [*own, drw]
        assert laid("ldam_drw+swa", base)["Callbacks"][:3] == [own[0], own[2], drw]
        assert laid("vs", {**PLAIN, "Callbacks": [late, *own]})["Callbacks"] == [late, *own]
        # The schedule belongs to the loss, whether the other loss brings one or not.
        scheduled = {**PLAIN, "Callbacks": [{"LossSchedule": {"before": "CELoss", "start": 0.5}}, *own]}
        for recipe in ("ldam", "ce", "resample"):
            assert laid(recipe, scheduled)["Callbacks"] == own

    def test_callbacks_of_the_file_hold_in_the_stages_of_a_recipe_as_those_of_parts_do(self):
        base = {**PLAIN, "Callbacks": [{"MaxNormPGD": {"thresh": 0.2}}, {"EMA": {"decay": 0.999}}]}
        first, second = stages.plan(with_recipe("crt", base))
        assert first["Callbacks"] == base["Callbacks"]
        assert second["Callbacks"] == [{"FreezeLayers": None}, {"ResetClassifier": None}, {"EMA": {"decay": 0.999}}]
        averaged = stages.plan(with_recipe("crt+ema", {**PLAIN, "Callbacks": None}))[1]
        assert [next(iter(each)) for each in averaged["Callbacks"]] == ["FreezeLayers", "ResetClassifier", "EMA"]
        own = recipes.laid(base, recipes.of_config(FRAGMENTS["crt"]))
        assert own["Stages"][1]["Callbacks"] == [{"FreezeLayers": None}, {"ResetClassifier": None}]
        # What the file's own stage sets wins.
        staged = {**base, "Stages": [{}, {"Callbacks": [{"ResetClassifier": None}]}]}
        assert stages.plan(with_recipe("ldam_drw", staged))[1]["Callbacks"] == [{"ResetClassifier": None}]


class TestOwnFiles:
    def test_a_fragment_combines_and_its_kinds_are_seen(self, tmp_path):
        own = path_of(tmp_path, {"Loss": {"Train": [{"FocalLoss": {"weight": 1.0}}]}})
        both = stages.plan(with_recipe(f"mixup+{own}"))[0]
        assert both["Loss"]["Train"] == [{"FocalLoss": {"weight": 1.0}}]
        assert operators(both, "batch_transform_ops") == ["MixupOperator"]
        assert both["Global"]["recipe"] == f"{own}+mixup"
        assert laid(f"resample+{own}")["Loss"] == both["Loss"]
        with pytest.raises(ConfigError, match=f"kind loss, got {own} and ldam"):
            laid([own, "ldam"])

    def test_a_path_may_hold_a_plus(self, tmp_path):
        own = path_of(tmp_path, {"Arch": {"classifier": "normalized"}}, "a+b.yaml")
        assert recipes.read(own).name == own
        assert recipes.read([own, "ldam"]).name == f"ldam+{own}"

    def test_parts_of_a_file_lie_beside_it(self, tmp_path):
        path_of(tmp_path, {"kind": "schedule", "config": {"Optimizer": {"momentum": 0.8}}}, "mine.yaml")
        own = path_of(tmp_path, {"parts": ["mine.yaml", "mixup"]}, "whole.yaml")
        assert [part.name for part in recipes.read(own).parts] == ["mixup", str(tmp_path / "mine.yaml")]
        with pytest.raises(ConfigError, match="got 'other.yaml', sought in"):
            recipes.read(path_of(tmp_path, {"parts": ["other.yaml"]}, "another.yaml"))

    def test_two_fragments_may_not_set_one_entry_differently(self, tmp_path):
        own = [path_of(tmp_path, {"Arch": {"dropout": rate}}, f"{rate}.yaml") for rate in (0.1, 0.2)]
        with pytest.raises(ConfigError, match=r"not both Arch.dropout, got .*0.1.yaml and .*0.2.yaml"):
            laid(own)

    @pytest.mark.parametrize(
        "content, message",
        [
            ({"kind": "los", "config": {}}, r"`kind` must be one of loss, .* \(did you mean 'loss'\?\)"),
            ({"kind": "loss"}, "`config` must be a map of what it changes"),
            ({"kind": "loss", "config": {}, "stage": "first"}, r"unknown key 'stage' \(did you mean 'stages'\?\)"),
            ({"kind": "loss", "config": {}, "stages": "second"}, "`stages` must be one of all, first"),
            ({"parts": "mixup"}, "`parts` must be a list of recipes' names or paths"),
            ({"parts": []}, "`parts` must be a list of recipes' names or paths"),
        ],
    )
    def test_mistakes_in_a_file(self, content, message, tmp_path):
        with pytest.raises(ConfigError, match=message):
            recipes.read(path_of(tmp_path, content))

    def test_a_recipe_is_not_made_of_itself(self, tmp_path):
        path = str(tmp_path / "mine.yaml")
        path_of(tmp_path, {"parts": ["mixup", path]})
        with pytest.raises(ConfigError, match="must be recipes that are not made of this one"):
            recipes.read(path)


def test_a_comparison_calls_a_combination_by_one_name(tmp_path):
    own = path_of(tmp_path, {"Arch": {"classifier": "normalized"}}, "Own part.yaml")
    asked = ["mixup+ldam_drw", "ldam_drw+mixup", f"mixup+{own}+cosine"]
    assert list(candidates.load(asked)) == ["base", "ldam_drw+mixup", "Own part+mixup+cosine"]
    assert set(recipes.names()) < set(recipes.known())
    assert not {"mixup", "cosine", "drw", "weighted_ce"} & set(recipes.names())


def test_the_command_line_shows_what_a_combination_changes(data, capsys):
    assert main(["recipes", "show", "crt+mixup", "-c", "fashion_mnist_lt/ce.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mixup+crt"
    for line in (
        "  mixing: mixup [stage of the features], pairs of images added up, their labels too",
        "  loss: crt (ce), plain cross entropy, the baseline",
        f"sets in {reading.find('fashion_mnist_lt/ce.yaml')}:",
        "          - MixupOperator: {alpha: 1.0}",
        "replaces there:",
        "  Loss.Train: [{CELoss: {weight: 1.0}}] -> [{CELoss: {weight: 1.0, class_weight: none}}]",
        "whether it trains with your data: `ppcls-lt check -c fashion_mnist_lt/ce.yaml --recipe crt+mixup`",
    ):
        assert line in lines
    assert main(["recipes", "show", "crt", "mixup", "-c", "fashion_mnist_lt/ce.yaml"]) == 2
    assert "`NAME` must be one; joined, crt+mixup, got crt mixup" in capsys.readouterr().err
    assert main(["recipes", "show", "crt"]) == 2
    assert "`-c` must be given" in capsys.readouterr().err


def test_recipes_are_listed_by_kind(tmp_path):
    lines = commands.run(tmp_path, "recipes").output.splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads == ["complete recipes", *(kind for kind in recipes.KINDS if kind in heads)]
    assert lines.index("mixing") < next(i for i, line in enumerate(lines) if line.startswith("  mixup "))


def naming(folder, recipe):
    config = yaml.safe_load(reading.find("digits/ce.yaml").read_text())
    config["Global"]["recipe"] = recipe
    (folder / "named.yaml").write_text(yaml.safe_dump(config))
    return str(folder / "named.yaml")


class TestAnotherRecipe:
    """What is asked for with --recipe takes the place of what the file names, and that is said."""

    TAKEN = "takes the place of Global.recipe: "

    @pytest.mark.parametrize("name", ["train", "eval", "check"])
    def test_a_command_says_so(self, name, tmp_path, capsys):
        asked = {"name": name, "config": naming(tmp_path, ["ldam_drw", "mixup"]), "override": [], "allow_new": False}
        path, overrides = modes.asked(argparse.Namespace(**asked, recipe="vs"))
        assert overrides == ["Global.recipe='vs'"]
        assert capsys.readouterr().err == f"ppcls-lt {name}: --recipe vs {self.TAKEN}[ldam_drw, mixup]\n"
        modes.asked(argparse.Namespace(**asked, recipe="mixup+ldam_drw"))  # the same in another order
        modes.asked(argparse.Namespace(**asked, recipe=None))
        assert capsys.readouterr().err == ""
        asked["override"] = ["Global.recipe=crt"]
        modes.asked(argparse.Namespace(**asked, recipe="vs"))
        assert f"--recipe vs {self.TAKEN}crt\n" in capsys.readouterr().err

    def test_what_is_wrong_is_left_to_whoever_reads_the_file(self, tmp_path):
        path = tmp_path / "broken.yaml"
        for text in ("Global: [", "Global: 3", "Global: {recipe: {a: 1}}", "Global: {recipe: nope}"):
            path.write_text(text)
            assert replaced.named_before("vs", path) is None
        assert replaced.named_before("nope", naming(tmp_path, "vs")) is None

    def test_show_says_so(self, tmp_path, capsys):
        assert main(["recipes", "show", "vs", "-c", naming(tmp_path, ["ldam_drw", "mixup"])]) == 0
        lines = capsys.readouterr().out.splitlines()
        told = lines.index(f"the recipe vs {self.TAKEN}[ldam_drw, mixup]")
        assert told > lines.index("replaces there:")
        assert main(["recipes", "show", "vs", "-c", "digits/ce.yaml"]) == 0
        assert self.TAKEN not in capsys.readouterr().out
