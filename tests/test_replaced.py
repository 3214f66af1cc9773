"""What a recipe takes away from a configuration is said, entry by entry."""

import logging

import pytest

from ppcls_lt.configuration import recipes, replaced

BASE = {
    "Global": {"epochs": 30, "pretrained_model": None},
    "Arch": {"name": "ResNet18", "class_num": 10},
    "Loss": {"Train": [{"CELoss": {"weight": 1.0, "epsilon": 0.1}}], "Eval": [{"CELoss": {"weight": 1.0}}]},
    "Optimizer": {"name": "Momentum", "lr": {"name": "Cosine", "learning_rate": 0.1, "warmup_epoch": 5}},
    "DataLoader": {"Train": {"sampler": {"name": "DistributedBatchSampler", "batch_size": 64, "shuffle": True}}},
}


def places(override):
    return [change.place for change in replaced.changes(BASE, recipes.of_config(override))]


def test_what_is_changed_or_removed_is_told_and_what_is_added_is_not():
    assert places({"Arch": {"classifier": "normalized"}, "Callbacks": [{"DeferredReweighting": {}}]}) == []
    assert places({"Global": {"epochs": 30, "pretrained_model": "weights"}}) == []
    assert places({"Optimizer": {"lr": {"learning_rate": 0.2}}}) == ["Optimizer.lr.learning_rate"]
    # Another name takes the other keys along, but for those that `merged` keeps.
    other = recipes.of_config({"DataLoader": {"Train": {"sampler": {"name": "PKSampler"}}}})
    [(place, old, new)] = replaced.changes(BASE, other)
    assert place == "DataLoader.Train.sampler"
    assert old == "{name: DistributedBatchSampler, batch_size: 64, shuffle: true}"
    assert new == "{batch_size: 64, name: PKSampler}"


def test_what_only_a_stage_changes_is_told_as_that():
    found = [change.place for change in replaced.changes(BASE, recipes.read("crt"))]
    stage = "Stages[1]: "
    assert found == ["Loss.Train", f"{stage}Optimizer.lr.warmup_epoch", f"{stage}DataLoader.Train.sampler"]


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_loses_the_smoothing_of_the_base_and_says_so(name):
    recipe = recipes.read(name)
    lost = recipes.laid(BASE, recipe)["Loss"]["Train"] != BASE["Loss"]["Train"]
    said = [line for line in replaced.lines(BASE, recipe) if "replaces Loss.Train: " in line]
    assert lost == bool(said)
    assert all(line.startswith(f"recipe {name} replaces Loss.Train: [{{CELoss: {{weight: 1.0, eps") for line in said)


def test_a_training_logs_it(caplog):
    with caplog.at_level(logging.INFO, logger="ppcls.lt"):
        logging.getLogger("ppcls.lt").addHandler(caplog.handler)
        try:
            replaced.log({**BASE, "Global": {**BASE["Global"], "recipe": "ce"}})
            replaced.log(BASE)
        finally:
            logging.getLogger("ppcls.lt").removeHandler(caplog.handler)
    said = {record.getMessage() for record in caplog.records}
    wanted = "[{CELoss: {weight: 1.0, epsilon: 0.1}}] -> [{CELoss: {weight: 1.0}}]"
    assert said == {f"recipe ce replaces Loss.Train: {wanted}"}


def test_a_long_value_is_cut():
    [change] = replaced.changes({"Loss": {"Train": ["x" * 1000]}}, recipes.of_config({"Loss": {"Train": []}}))
    assert len(change.old) == 160 and change.old.endswith("...")
