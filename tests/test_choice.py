"""The choice among candidates, beside a slow reference, and what must hold for all of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcls_lt import ConfigError
from ppcls_lt.maths import choice, smoothed
from ppcls_lt.maths.pooled import Pooled

CLASSES = 4
GROUPS = {"many": np.array([0]), "medium": np.array([1]), "few": np.array([2, 3])}


def made(seed, names="abc", seeds=2, size=30, same_images=False, alone=()):
    """Candidates, labels, images; every class in every seed, ``alone`` in none."""
    generator = np.random.default_rng(seed)
    used = [c for c in range(CLASSES) if c not in alone]
    labels = [np.resize(used, size) for _ in range(seeds)]
    images = [np.arange(size) + (0 if same_images else s * size) for s in range(seeds)]
    candidates = {
        name: [2.0 * np.eye(CLASSES)[label] + generator.standard_normal((size, CLASSES)) for label in labels]
        for name in ("base", *names)
    }
    return candidates, labels, images


def judged(candidates, labels, images, **options):
    return choice.judge(candidates, labels, images, **{"groups": GROUPS, "class_num": CLASSES, "draws": 300, **options})


def accuracies(candidate, labels, images):
    """Slow: each class's mean over its images of the mean over their predictions."""
    of_image = {}
    for logits, label, image in zip(candidate, labels, images):
        for row, c, i in zip(logits, label, image):
            of_image.setdefault((int(c), int(i)), []).append(float(np.argmax(row) == c))
    recall = []
    for c in range(CLASSES):
        means = [np.mean(values) for (label, _), values in of_image.items() if label == c]
        recall.append(np.mean(means) if means else np.nan)
    return np.array(recall)


@pytest.mark.parametrize("same_images", [False, True])
def test_scores_are_means_over_classes_of_images_that_count_once(same_images):
    candidates, labels, images = made(0, same_images=same_images, alone=[3])
    labels[1], images[1] = labels[1][:-4], images[1][:-4]
    candidates = {name: [parts[0], parts[1][:-4]] for name, parts in candidates.items()}
    found = judged(candidates, labels, images)
    for name, judgement in found.judgements.items():
        recall = accuracies(candidates[name], labels, images)
        np.testing.assert_allclose(judgement.recall, recall)
        assert judgement.scores["balanced"] == pytest.approx(np.nanmean(recall))
        assert judgement.scores["few"] == pytest.approx(recall[2])
        base = accuracies(candidates["base"], labels, images)
        assert judgement.gain == pytest.approx(np.nanmean(recall) - np.nanmean(base))
        assert judgement.low <= judgement.gain <= judgement.high
    assert found.unjudged == (3,)
    assert list(found.judgements) == sorted(found.judgements, key=lambda name: -found.judgements[name].score)
    assert found.chosen == next(iter(found.judgements)) and found.chosen in found.equals
    assert sum(judgement.best for judgement in found.judgements.values()) == pytest.approx(1)


def test_the_draws_have_the_variance_of_a_slow_bootstrap():
    candidates, labels, images = made(1, seeds=1, names="a", size=40)
    right = {name: parts[0].argmax(axis=1) == labels[0] for name, parts in candidates.items()}
    gains = right["a"].astype(float) - right["base"]
    generator = np.random.default_rng(0)
    slow = []
    for _ in range(4000):
        means = []
        for c in range(CLASSES):
            tossed = (generator.random((2, 2)) < 0.5).astype(float)  # two images by two models
            noise = (tossed[0] - tossed[1]).sum() / 12
            means.append(np.mean(generator.choice(gains[labels[0] == c], 10)) + noise)
        slow.append(np.mean(means))
    found = judged(candidates, labels, images, draws=4000).judgements["a"]
    np.testing.assert_allclose([found.low, found.high], np.quantile(slow, [0.05, 0.95]), atol=0.02)


def test_a_class_of_two_images_that_nobody_tells_apart_is_no_certainty():
    candidates, labels, images = made(0, size=8, seeds=1)
    perfect = np.eye(CLASSES)[labels[0]]
    found = judged({"base": [perfect], "a": [perfect.copy()], "b": [perfect + 0.1 * perfect[::-1]]}, labels, images)
    same, other = (found.judgements[name] for name in "ab")
    assert (same.gain, same.low, same.high) == (0, 0, 0)
    assert other.gain == 0 and other.low < -0.05 and other.high > 0.05


def test_the_temperature_is_that_of_the_least_log_loss():
    generator = np.random.default_rng(0)
    label = generator.integers(0, 3, 500)
    logits = 2 * np.eye(3)[label] + generator.standard_normal((500, 3))
    share = generator.random(500)
    found = smoothed.temperature(logits, label, share)

    def loss(temperature):
        chances = np.exp(logits / temperature)
        chances /= chances.sum(axis=1, keepdims=True)
        return -sum(share[j] * np.log(chances[j, label[j]]) for j in range(500))

    assert loss(found) <= min(loss(found * 1.01), loss(found / 1.01))
    assert smoothed.temperature(5 * logits, label, share) == pytest.approx(5 * found, rel=1e-6)
    value = smoothed.probability(logits, label, share)
    np.testing.assert_allclose(smoothed.probability(5 * logits, label, share), value, rtol=1e-6)
    chances = np.exp(logits / found)
    np.testing.assert_allclose(value, chances[np.arange(500), label] / chances.sum(axis=1), rtol=1e-9)


def test_the_accuracy_counts_as_much_as_its_images_are_worth():
    """By hand: SPREAD^2 / (SPREAD^2 + v), v the variance of accuracies beside their mean that is due to images."""
    labels, images = [np.array([0, 0, 0, 1, 1, 2])], [np.arange(6)]
    right = np.array([[1, 0, 0], [1, 1, 1], [0, 0, 1], [1, 0, 1], [0, 0, 0], [1, 1, 0]], float)
    weight = np.array([0.5, 0.3, 0.2, 0.0])  # the last class has no image and counts nothing
    relative = right - right.mean(axis=1, keepdims=True)
    of_class = [np.mean([np.var(relative[:3, k], ddof=1) for k in range(3)])]
    of_class.append(np.mean([np.var(relative[3:5, k], ddof=1) for k in range(3)]))
    of_class.append(np.mean(of_class))  # one image says nothing of its variance
    v = sum(w**2 * each / n for w, each, n in zip(weight, of_class, (3, 2, 1)))
    found = smoothed.reliance(right, Pooled(labels, images, 4), weight)
    assert found == pytest.approx(smoothed.SPREAD**2 / (smoothed.SPREAD**2 + v))
    # A hundred times as many images of the same kind; and what never differs needs no probability.
    many = smoothed.reliance(np.tile(right, (100, 1)), Pooled([np.tile(labels[0], 100)], [np.arange(600)], 4), weight)
    assert found < 0.02 and many > 10 * found
    assert smoothed.reliance(right[:, :1], Pooled(labels, images, 4), weight) == 1
    single = Pooled([np.arange(3)], [np.arange(3)], 4)
    assert smoothed.reliance(right[:3], single, weight) == 0


def test_the_score_is_of_the_accuracy_and_of_the_probability():
    candidates, labels, images = made(3)
    pooled = Pooled(labels, images, CLASSES)
    weight = np.full(CLASSES, 1 / CLASSES)
    right = np.stack([pooled.values(c).argmax(axis=1) == pooled.label for c in candidates.values()], axis=1)
    share = smoothed.reliance(right.astype(float), pooled, weight)
    assert 0 < share < 1
    for name, judgement in judged(candidates, labels, images).judgements.items():
        probability = smoothed.probability(pooled.values(candidates[name]), pooled.label, pooled.share / CLASSES)
        of_class = [probability[pooled.label == c].mean() for c in range(CLASSES)]
        expected = share * np.mean(accuracies(candidates[name], labels, images)) + (1 - share) * np.mean(of_class)
        assert judgement.score == pytest.approx(expected)


def test_seeds_that_differ_more_than_their_images_widen_the_interval():
    generator = np.random.default_rng(0)
    labels = [np.resize(np.arange(CLASSES), 400) for _ in range(3)]
    images = [np.arange(400) + 400 * s for s in range(3)]
    better = [np.eye(CLASSES)[label] for label in labels]

    def with_share(shares):
        return [np.where(generator.random(400)[:, None] < p, rows, 1 - rows) for p, rows in zip(shares, better)]

    even = {"base": with_share([0.8] * 3), "a": with_share([0.8] * 3), "b": with_share([0.8] * 3)}
    uneven = {"base": with_share([0.8] * 3), "a": with_share([0.6, 0.8, 1]), "b": with_share([1, 0.8, 0.6])}
    widths = []
    for candidates in (even, uneven):
        found = judged(candidates, labels, images).judgements
        widths.append(found["a"].high - found["a"].low)
    assert widths[1] > 2.5 * widths[0]
    pooled = Pooled(labels, images, CLASSES)
    right = np.stack([pooled.values([p.argmax(1) for p in parts]) == pooled.label for parts in uneven.values()], 1)
    gains = right.astype(float) - right[:, [0]]
    alone = of_seeds = 0.0
    for k in range(3):
        means = [gains[pooled.label == c, k].mean() for c in range(CLASSES)]
        parts = [(gains[j, k] - means[pooled.label[j]]) / 1200 for j in range(1200)]
        alone += 300 / 299 * sum(part**2 for part in parts)
        of_seeds += sum(sum(part for j, part in enumerate(parts) if pooled.seed[j] == s) ** 2 for s in range(3))
    expected = 1.5 * of_seeds / alone - 1
    found = choice.seed_excess(pooled, np.full(CLASSES, 1 / CLASSES), gains, pooled.residuals(gains))
    assert found == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize("same_images", [False, True])
def test_the_interval_holds_the_gain_that_images_and_seeds_were_drawn_with(same_images):
    """Images of unequal difficulty, seeds of unequal luck; every gain over the base is 0 in truth."""
    generator, hits, widths, found = np.random.default_rng(0), 0, [], []
    names = ("base", "a", "b", "c", "d", "e")
    label = np.resize(np.arange(CLASSES), 200)
    for _ in range(40):
        images = [np.arange(200) + (0 if same_images else 200 * s) for s in range(3)]
        difficulty = generator.uniform(-0.2, 0.2, (200 if same_images else 600, len(names)))
        candidates = {
            name: [
                np.where(
                    (generator.random(200) < 0.7 + generator.normal(0, 0.05) + difficulty[image, k])[:, None],
                    np.eye(CLASSES)[label],
                    np.eye(CLASSES)[(label + 1) % CLASSES],
                )
                for image in images
            ]
            for k, name in enumerate(names)
        }
        judgements = judged(candidates, [label] * 3, images, draws=200).judgements
        for judgement in (judgements[name] for name in names[1:]):
            hits += judgement.low <= 0 <= judgement.high
            widths.append(judgement.high - judgement.low)
            found.append(judgement.gain)
    assert 0.82 < hits / len(found) < 0.97
    assert 0.75 < np.mean(widths) / (3.29 * np.std(found)) < 1.35


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.permutations(["base", "a", "b", "c"]), st.booleans())
def test_the_order_of_candidates_and_images_changes_nothing(seed, names, same_images):
    candidates, labels, images = made(seed, same_images=same_images)
    order = np.random.default_rng(seed).permutation(len(labels[0]))
    other = judged(
        {name: [part[order] for part in candidates[name]] for name in names},
        [each[order] for each in labels],
        [each[order] for each in images],
        draws=50,
    )
    found = judged(candidates, labels, images, draws=50)
    assert (other.chosen, other.reason, other.equals) == (found.chosen, found.reason, found.equals)
    for name, judgement in found.judgements.items():
        mine = other.judgements[name]
        for key in ("score", "gain", "low", "high", "best"):
            assert getattr(mine, key) == pytest.approx(getattr(judgement, key), abs=1e-9), key


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_what_equals_the_base_gains_nothing_for_certain(seed, seeds):
    candidates, labels, images = made(seed, seeds=seeds)
    candidates["a"] = [part.copy() for part in candidates["base"]]
    found = judged(candidates, labels, images, draws=50)
    for name in ("a", "base"):
        judgement = found.judgements[name]
        assert (judgement.gain, judgement.low, judgement.high) == (0, 0, 0)
    assert found.judgements["a"].best == pytest.approx(found.judgements["base"].best)
    assert found.chosen != "a"


def test_more_images_make_the_interval_narrower():
    few, many = (judged(*made(3, size=size)).judgements["a"] for size in (40, 4000))
    assert (many.high - many.low) < (few.high - few.low) / 4


def test_why_the_chosen_one_is_taken():
    candidates, labels, images = made(0, size=400)
    candidates["a"] = [np.eye(CLASSES)[label] for label in labels]
    found = judged(candidates, labels, images)
    assert (found.chosen, found.reason, found.equals) == ("a", choice.ONLY, ("a",))
    assert found.judgements["a"].best == 1
    candidates["b"] = candidates["a"]
    found = judged(candidates, labels, images, work={"base": 1, "a": 2, "b": 1.5})
    assert (found.chosen, found.reason, found.equals) == ("b", choice.HIGHEST, ("b", "a"))
    candidates["base"] = candidates["a"]
    found = judged(candidates, labels, images, work={"base": 1, "a": 1, "b": 1})
    assert (found.chosen, found.reason) == ("base", choice.BASE)


def test_what_cannot_be_judged():
    candidates, labels, images = made(0, alone=[2, 3])
    candidates["a"][1] = None
    candidates["b"] = candidates["b"][:1]
    found = judged(candidates, labels, images)
    assert found.incomplete == ("a", "b") and set(found.judgements) == {"base", "c"}
    assert found.unjudged == (2, 3) and np.isnan(found.judgements["c"].scores["few"])
    with pytest.raises(ConfigError, match="no image is held out"):
        judged(candidates, labels, images, measure="few")
