"""The package's own operators: formulas beside the authors' values, draws, and what a training makes of them."""

import json
import random

import numpy as np
import paddle
import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.data import mixing
from ppcls_lt.engine import trainer
from ppcls_lt.losses import FocalLoss
from ppcls_lt.operators import CIFAR10Policy, CMOOperator, RemixOperator
from ppcls_lt.runs import checkpoints

from . import engines
from .reference import DATA

OTHERS = json.loads((DATA / "authors_code_values_2.json").read_text())["others"]
REMIX = {name: OTHERS[name] for name in ("RemixDRW", "MixupDRW", "Remix_BagofTricks")}


def remix_share(own, other, counts, lam):
    """The paper's rule with kappa 3 and tau 0.5, a pair at a time."""
    found = []
    for i, j in zip(own, other):
        ratio = counts[i] / counts[j]
        rare = 0.0 if ratio >= 3 and lam < 0.5 else None
        common = 1.0 if ratio <= 1 / 3 and 1 - lam < 0.5 else None
        found.append(rare if rare is not None else common if common is not None else lam)
    return np.array(found)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-6), ("float32", 1e-4)])
@pytest.mark.parametrize("name, entry", [(name, e) for name, entries in REMIX.items() for e in entries])
def test_mixed_losses_are_the_authors(name, entry, dtype, tolerance):
    own = np.array(entry["label"])
    other, counts = own[entry["index"]], np.array(entry["counts"])
    share = np.full(len(own), entry["lam"])
    if name != "MixupDRW":
        share = mixing.remix_share(own, other, counts, entry["lam"], 3.0, 0.5)
        np.testing.assert_allclose(share, entry["lam_label"], rtol=1e-12)
        np.testing.assert_array_equal(share, remix_share(own, other, counts, entry["lam"]))
    loss = FocalLoss(gamma=0.0, class_weight=entry.get("class_weights", "none"))
    logits = paddle.to_tensor(np.array(entry["logits"], dtype), stop_gradient=False)
    value = loss(logits, paddle.to_tensor(mixing.shares(own, other, share, len(counts)).astype(dtype)))["FocalLoss"]
    value.sum().backward()
    # Bag of Tricks averages the shares over the batch; what each image's own share gives stands beside it.
    wanted = entry.get("value_per_image_lambda", entry["value"])
    np.testing.assert_allclose(float(value.sum()), wanted, rtol=tolerance)
    if name != "Remix_BagofTricks":
        np.testing.assert_allclose(logits.grad.numpy(), entry["grad_logits"], rtol=tolerance, atol=1e-7)


@pytest.mark.parametrize("entry", OTHERS["CMO"])
def test_cmo_is_the_authors(entry):
    counts = np.array(entry["counts"])
    probabilities = mixing.class_probabilities(counts, entry["weighted_alpha"])
    np.testing.assert_allclose(probabilities, entry["class_probability"], rtol=1e-12)
    first, second = entry["size"][2:]
    top, left, bottom, right = mixing.box(first, second, entry["lam"], entry["centre"])
    assert [top, left, bottom, right] == entry["box"]
    kept = 1 - (bottom - top) * (right - left) / (first * second)
    assert kept == pytest.approx(entry["lam_adjusted"], rel=1e-12)
    labels = mixing.shares(np.array(entry["label"]), np.array(entry["label_weighted"]), kept, len(counts))
    logits = paddle.to_tensor(np.array(entry["logits"]), stop_gradient=False)
    value = FocalLoss(gamma=0.0)(logits, paddle.to_tensor(labels.astype("float64")))["FocalLoss"].sum()
    value.backward()
    assert float(value) == pytest.approx(entry["value"], rel=1e-6)
    np.testing.assert_allclose(logits.grad.numpy(), entry["grad_logits"], rtol=1e-6, atol=1e-8)


class Images:
    """A data set whose image of position i is i everywhere."""

    def __init__(self, labels):
        self.labels = labels

    def __getitem__(self, index):
        return np.full((3, 8, 12), index, np.float32), self.labels[index]

    def __len__(self):
        return len(self.labels)


LABELS = np.array([0, 1, 0, 2, 0, 1, 0, 0])
COUNTS = np.bincount(LABELS, minlength=4)


def joined(operator, epochs=10):
    operator.join_data(Images(LABELS), LABELS, COUNTS, epochs)
    return operator


def batch_of(data, positions):
    return [data[position] for position in positions]


class TestCMO:
    def test_a_box_of_an_image_that_is_drawn_by_class(self):
        operator, drawn = joined(CMOOperator(4, mixup_prob=1.0)), np.zeros(4)
        np.random.seed(3)
        for _ in range(300):
            for position, (image, label) in enumerate(operator(batch_of(Images(LABELS), range(8)))):
                assert image.shape == (3, 8, 12) and image.dtype == label.dtype == np.float32
                (other,) = set(np.unique(image)) - {position} or {position}
                share = (image == position).mean()
                wanted = np.zeros(4)
                wanted[LABELS[position]] += share
                wanted[LABELS[int(other)]] += 1 - share
                np.testing.assert_allclose(label, wanted, atol=1e-6)
                if int(other) != position:
                    drawn[LABELS[int(other)]] += 1 / 8
        shares = drawn / drawn.sum()
        # Alike, but for the draws of the image itself, which are not seen.
        assert shares[3] == 0 and np.abs(shares[:3] - 1 / 3).max() < 0.06

    def test_the_epochs_and_the_batches_that_are_mixed(self):
        operator = joined(CMOOperator(4))
        mixed = {}
        np.random.seed(1)
        for epoch in range(1, 11):
            operator.start_epoch(epoch, 10)
            batches = [operator(batch_of(Images(LABELS), [0, 1])) for _ in range(200)]
            mixed[epoch] = np.mean([set(np.unique(batch[0][0])) != {0.0} for batch in batches])
        assert [epoch for epoch, share in mixed.items() if share > 0] == [5, 6, 7]
        assert 0.25 < np.mean([mixed[epoch] for epoch in (5, 6, 7)]) <= 0.5
        assert "epochs 5 to 7" in operator.announcement(10) and "1.15 times" in operator.announcement(10)

    def test_no_epoch_is_left(self):
        with pytest.raises(ConfigError, match="CMOOperator: `start_data_aug` must be with `end_data_aug` such that"):
            joined(CMOOperator(4), epochs=7)


def test_remix_adds_up_as_many_pixels_as_the_label_says():
    labels, mixed = np.arange(8), 0
    operator = RemixOperator(8)
    operator.join_data(Images(labels), labels, np.full(8, 5), 10)  # equal classes: the label's share is lambda
    np.random.seed(0)
    for _ in range(20):
        for image, label in operator(batch_of(Images(labels), range(8))):
            np.testing.assert_allclose(image[0, 0, 0], (label * labels).sum(), rtol=1e-5, atol=1e-5)
            mixed += (label > 0.01).sum() == 2
    assert mixed > 80


def test_remix_adds_up_pairs_and_rare_classes_take_the_label():
    operator = joined(RemixOperator(4))
    np.random.seed(0)
    for _ in range(100):
        for position, (image, label) in enumerate(operator(batch_of(Images(LABELS), range(8)))):
            assert len(np.unique(image)) == 1 and label.sum() == pytest.approx(1, abs=1e-6)
            if LABELS[position] == 0 and label[2] > 0:
                assert label[2] == 1 or label[2] <= 0.5  # of five times as many images, it has all or the smaller part


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: RemixOperator(4, kappa=0.5), "RemixOperator: `kappa` must be a finite number >= 1"),
        (lambda: RemixOperator(4, tau=2), "RemixOperator: `tau` must be"),
        (lambda: CMOOperator(4, mixup_prob=0), "CMOOperator: `mixup_prob` must be"),
        (lambda: CMOOperator(4, weighted_alpha=-1), "CMOOperator: `weighted_alpha` must be"),
        (lambda: CIFAR10Policy(fillcolor=[1, 2]), "CIFAR10Policy: `fillcolor` must be"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_the_policy_for_cifar_changes_small_images(ppcls):
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    operator = CIFAR10Policy()

    def results():
        random.seed(0)
        return [operator(image.copy()) for _ in range(100)]  # enough for all of its operations

    found = results()
    assert all(each.shape == (32, 32, 3) and each.dtype == np.uint8 and each.flags.writeable for each in found)
    assert len({each.tobytes() for each in found}) > 25
    assert all((one == other).all() for one, other in zip(found, results()))


# Table 7 of AutoAugment's paper, CIFAR-10: operation, probability, magnitude, twice.
POLICY = """
Invert .1 7 Contrast .2 6; Rotate .7 2 TranslateX .3 9; Sharpness .8 1 Sharpness .9 3; ShearY .5 8 TranslateY .7 9;
AutoContrast .5 8 Equalize .9 2; ShearY .2 7 Posterize .3 7; Color .4 3 Brightness .6 7; Sharpness .3 9 Brightness .7 9;
Equalize .6 5 Equalize .5 1; Contrast .6 7 Sharpness .6 5; Color .7 7 TranslateX .5 8; Equalize .3 7 AutoContrast .4 8;
TranslateY .4 3 Sharpness .2 6; Brightness .9 6 Color .2 8; Solarize .5 2 Invert 0 3; Equalize .2 0 AutoContrast .6 0;
Equalize .2 8 Equalize .8 4; Color .9 9 Equalize .6 6; AutoContrast .8 4 Solarize .2 8; Brightness .1 3 Color .7 0;
Solarize .4 5 AutoContrast .9 3; TranslateY .9 9 TranslateY .7 9; AutoContrast .9 2 Solarize .8 3;
Equalize .8 8 Invert .1 3; TranslateY .7 9 AutoContrast .9 1
"""
# What a magnitude of 9 is, one of 0 being 0, but for the two whose strength grows as the number falls.
LARGEST = {"Rotate": 30, "ShearY": 0.3, "TranslateX": 150 / 331, "TranslateY": 150 / 331}
LARGEST.update(dict.fromkeys(("Contrast", "Sharpness", "Color", "Brightness"), 0.9))
FALLING = {"Posterize": np.round(np.linspace(8, 4, 10)), "Solarize": np.linspace(256, 0, 10)}


def test_the_policy_is_the_papers(ppcls):
    for row, pair in zip(POLICY.split(";"), CIFAR10Policy()._policy.policies):
        first, p1, m1, second, p2, m2 = row.split()
        assert (pair.p1, pair.p2) == (float(p1), float(p2))
        for name, number, magnitude in ((first, int(m1), pair.magnitude1), (second, int(m2), pair.magnitude2)):
            wanted = FALLING[name][number] if name in FALLING else LARGEST.get(name, 0) * number / 9
            assert magnitude == pytest.approx(wanted), row
    assert len(POLICY.split(";")) == len(CIFAR10Policy()._policy.policies) == 25


@pytest.mark.slow
def test_a_training_with_a_combination(tmp_path):
    data = engines.write_digits(tmp_path / "digits")
    settings = engines.digits_config(
        data, tmp_path / "out", losses=[{"CELoss": {"weight": 1.0}}], seed=1, eval_during_train=True
    )
    engines.write_yaml(settings, tmp_path / "config.yaml")
    overrides = ["Global.recipe=[cutout, vs, remix, autoaugment]"]
    engine = trainer.run_engine("train", tmp_path / "config.yaml", overrides)
    last = engines.saved(tmp_path / "out", "latest")
    assert checkpoints.manifest_of(last)["recipe"] == "vs+autoaugment+cutout+remix"
    operators = [type(each).__name__ for each in engine.train_loader.dataset._transform_ops]
    assert operators == ["DecodeImage", "ResizeImage", "CIFAR10Policy", "NormalizeImage", "Cutout"]
    # What the run kept evaluates without the recipe.
    again = trainer.run_engine("eval", tmp_path / "config.yaml", [f"Global.run={tmp_path / 'out'}"])
    assert again.evaluate() == pytest.approx(engine.evaluate())
