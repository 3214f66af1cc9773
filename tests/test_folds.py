"""Folds of a label list: laws that hold for every list."""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ppcls_lt
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.data.folds import NEVER, fold_of, stratified_folds


@st.composite
def listed(draw):
    """Labels and images of the lines of a list: classes of 0 to 12 images, some of them on several lines."""
    sizes = draw(st.lists(st.integers(0, 12), min_size=1, max_size=6).filter(any))
    images = [(label, f"{label}/{i}.jpg") for label, size in enumerate(sizes) for i in range(size)]
    images += draw(st.lists(st.sampled_from(images), max_size=8))
    lines = draw(st.permutations(images))
    return [label for label, _ in lines], [image for _, image in lines]


LISTS, FOLDS, PARTITIONS = listed(), st.integers(2, 7), st.integers(0, 3)


def sizes(labels, images, chosen):
    """Images per class among the chosen lines, each counted once."""
    found = {image: label for label, image, is_chosen in zip(labels, images, chosen) if is_chosen}
    return np.bincount(list(found.values()), minlength=max(labels) + 1)


@given(LISTS, FOLDS, PARTITIONS)
def test_every_image_is_held_out_once_but_those_that_are_alone(lines, number, partition):
    labels, images = lines
    fold = stratified_folds(labels, number=number, partition=partition, images=images)
    whole = sizes(labels, images, np.full(len(labels), True))
    for label, image, own in zip(labels, images, fold):
        assert own == NEVER if whole[label] == 1 else 0 <= own < number
        # All lines of one image are in one fold.
        assert {own} == {each for each, other in zip(fold, images) if other == image}


@given(LISTS, FOLDS, PARTITIONS)
def test_each_fold_has_its_share_and_leaves_every_class_an_image(lines, number, partition):
    labels, images = lines
    fold = stratified_folds(labels, number=number, partition=partition, images=images)
    whole = sizes(labels, images, np.full(len(labels), True))
    held_out = np.array([sizes(labels, images, fold == one) for one in range(number)])
    for c, size in enumerate(whole):
        # As cards that are dealt: the first folds have one more, and a small class is in the first alone.
        expected = [size // number + (one < size % number) for one in range(number)]
        assert held_out[:, c].tolist() == ([0] * number if size < 2 else expected)
    assert ((whole - held_out >= 1) | (whole == 0)).all()


@given(LISTS, FOLDS)
def test_the_order_of_the_lines_and_global_generators_do_not_matter(lines, number):
    labels, images = lines
    before = dict(zip(images, stratified_folds(labels, number=number, images=images)))
    random.seed(3)
    np.random.seed(3)
    state = np.random.get_state()[1].copy()
    order = np.random.default_rng(len(labels)).permutation(len(labels))
    again = stratified_folds([labels[i] for i in order], number=number, images=[images[i] for i in order])
    assert before == dict(zip([images[i] for i in order], again))
    assert (np.random.get_state()[1] == state).all()


def test_another_process_divides_alike_and_another_partition_otherwise():
    labels = [0] * 20 + [1] * 9
    code = "from ppcls_lt.data.folds import stratified_folds as f; print(f([0] * 20 + [1] * 9, number=4).tolist())"
    environment = {"PYTHONPATH": str(Path(ppcls_lt.__file__).parents[1]), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    first = stratified_folds(labels, number=4)
    assert done.stdout.strip() == str(first.tolist()), done.stderr
    others = [stratified_folds(labels, number=4, partition=one) for one in (1, 2)]
    assert not any((other == first).all() for other in others)


def test_an_image_of_two_classes_is_refused():
    with pytest.raises(ConfigError, match=r"`lines` must be a list with one label for every image.*0 \(line 1\) and 1"):
        stratified_folds([0, 1, 1], number=2, images=["a", "a", "b"], owner="list", name="lines")


@given(st.integers(0, 40), FOLDS)
def test_as_many_seeds_as_folds_hold_out_every_fold_once(first, number):
    partition = first * number
    found = [fold_of(partition + i, number) for i in range(number)]
    assert sorted(fold for _, fold in found) == list(range(number)) and len({each for each, _ in found}) == 1
