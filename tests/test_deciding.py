"""Factors for recalls against a slow search, costs against a double loop, and lists of images."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.data import cost_matrix, image_files
from ppcls_lt.maths import deciding
from ppcls_lt.reports import deciding as report
from ppcls_lt.serving.served import decided


def drawn(seed, images=60, classes=4, sharp=1.5):
    """Probabilities ``[N, C]`` that lean to the right class, and the classes ``[N]``."""
    draw = np.random.default_rng(seed)
    label = draw.integers(0, classes, images)
    logits = draw.normal(size=(images, classes)) + sharp * np.eye(classes)[label]
    share = np.exp(logits)
    return share / share.sum(axis=1, keepdims=True), label


def recognised(probabilities, label, factors, one):
    return sum(int(np.argmax(row * factors)) == one for row, y in zip(probabilities, label) if y == one)


@pytest.mark.parametrize("seed", range(4))
def test_the_factors_are_the_smallest(seed):
    """Of one class: no candidate below is enough. Of two: what satisfies both is at least as large, each of them."""
    probabilities, label = drawn(seed)
    counts = np.bincount(label)
    ranks = {1: int(np.ceil(0.9 * counts[1]))}
    found = deciding.factors(probabilities, label, ranks)
    assert recognised(probabilities, label, found, 1) >= ranks[1]
    own = probabilities[label == 1]
    candidates = sorted({1.0, *(np.delete(own, 1, axis=1).max(axis=1) / own[:, 1])})
    enough = [
        f * 1.0000001
        for f in candidates
        if f >= 1 and recognised(probabilities, label, np.array([1, f * 1.0000001, 1, 1]), 1) >= ranks[1]
    ]
    assert found[1] == pytest.approx(min(enough), rel=1e-5) and (np.delete(found, 1) == 1).all()
    ranks = {1: ranks[1], 3: int(np.ceil(0.8 * counts[3]))}
    found = deciding.factors(probabilities, label, ranks)
    assert all(recognised(probabilities, label, found, one) >= ranks[one] for one in ranks)
    for one, three in itertools.product(np.geomspace(1, 8, 40), repeat=2):
        if all(recognised(probabilities, label, np.array([1, one, 1, three]), c) >= ranks[c] for c in ranks):
            assert one >= found[1] * (1 - 1e-5) and three >= found[3] * (1 - 1e-5)


def test_a_new_image_is_recognised_as_often_as_was_asked():
    """Over draws of the held-out images, for one class: the promise of the rank."""
    hits = total = 0
    for seed in range(300):
        probabilities, label = drawn(seed, images=120, classes=3, sharp=0.5)
        held, new = slice(0, 60), slice(60, 120)
        if (label[held] == 2).sum() < deciding.needed(0.9):
            continue
        found = deciding.solve(probabilities[held], label[held], {2: 0.9}, exact=False, below=None, names="abc")
        mine = label[new] == 2
        hits += (decided(probabilities[new][mine], {"factors": found}) == 2).sum()
        total += mine.sum()
    assert total > 3000 and 0.9 - 0.01 < hits / total < 0.9 + 0.045


@pytest.mark.parametrize(
    "images, target, exact, expected",
    [(19, 0.95, False, 19), (20, 0.95, True, 19), (9, 0.9, False, 9), (8, 0.9, False, 9)],
)
def test_the_rank(images, target, exact, expected):
    assert deciding.rank(images, target, exact) == expected
    assert {0.95: 19, 0.9: 9, 0.99: 99, 0.5: 1}[target] == deciding.needed(target)


def test_what_cannot_be_had_is_refused():
    probabilities, label = np.array([[0.6, 0.4], [0.4, 0.6]] * 10), np.array([1, 0] * 10)
    with pytest.raises(ConfigError, match="no factors give so much to all of these classes, got a=1, b=1"):
        deciding.solve(probabilities, label, {0: 1.0, 1: 1.0}, exact=True, below=None, names="abc")
    with pytest.raises(ConfigError, match="for 0.95, got 10 of a; `--val-list` names more of them, or `--on-held-out`"):
        deciding.solve(probabilities, label, {0: 0.95}, exact=False, below=None, names="abc")


def hopeless_one():
    """39 images of a class, of which 38 are recognised easily and one by no factor."""
    mine = np.array([[0.4, 0.6]] * 19 + [[0.35, 0.65]] * 19 + [[1e-10, 1 - 1e-10]])
    return np.concatenate([mine, [[0.2, 0.8]] * 40]), np.repeat([0, 1], [39, 40])


def test_what_is_solved_is_not_refused_for_its_figure():
    """Of 39 images 38 do for 0.95; of the 31 or 32 of four folds none may be left out, and one is hopeless."""
    probabilities, label = hopeless_one()
    factors = deciding.solve(probabilities, label, {0: 0.95}, exact=False, below=None, names="ab")
    assert 1 < factors[0] < 2
    assert deciding.cross_validated(probabilities, label, {0: 0.95}, exact=False, below=None) is None
    judged = [deciding.judged(label, decided(probabilities, rule), 2) for rule in (None, {"factors": factors.tolist()})]
    said = {}
    for each in (True, False, None):
        lines = report.lines("weights", "list", "ab", np.bincount(label), judged, {0: 0.95}, factors, each)
        said[each] = "\n".join(lines)
    assert "of the images on which the factors were solved, which flatters it" in said[False]
    assert "cross-validated in 5 folds" in said[True] and "factors were solved" not in said[None]


def test_unsure_images_count_for_nobody():
    probabilities = np.array([[0.9, 0.1], [0.55, 0.45], [0.3, 0.7], [0.52, 0.48]])
    label = np.array([0, 1, 1, 1])
    rule = {
        "factors": deciding.solve(probabilities, label, {1: 1.0}, exact=True, below=0.6, names="abc"),
        "not_sure_below": 0.6,
    }
    predicted = decided(probabilities, rule)
    assert predicted.tolist() == [0, -1, 1, -1]
    found = deciding.judged(label, predicted, 2)
    np.testing.assert_allclose(found.recall, [1, 1])
    np.testing.assert_allclose(found.not_sure, [0, 2 / 3])
    assert found.images.tolist() == [1, 1] and found.overall == 1


NAMES = ["cat", "a dog", "犬"]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_costs_in_any_order(tmp_path):
    text = ",not sure,犬,cat,1\n犬,0.5,0,9,3\na dog,0.5,1,2,0\ncat,0.4,7,0,8\n"
    found = cost_matrix.read(write(tmp_path / "c.csv", text), NAMES, "ppcls-lt decide", "not sure")
    np.testing.assert_array_equal(found, [[0, 8, 7, 0.4], [2, 0, 1, 0.5], [9, 3, 0, 0.5]])
    probabilities, _ = drawn(1, classes=3)
    for row, label in zip(probabilities, decided(probabilities, {"costs": found.tolist()})):
        expected = [sum(row[y] * found[y, k] for y in range(3)) for k in range(4)]
        assert [0, 1, 2, -1][int(np.argmin(expected))] == label


@pytest.mark.parametrize(
    "text, part",
    [
        ("", "one row for each of the 3 classes"),
        (",cat,a dog,犬\ncat,0,1,1\na dog,1,0,1\n", "got .* with 2 rows"),
        (",cat,a dog,犬\ncat,0,1,1\na dog,1,0,1\n犬,1,-1,0\n", "finite numbers >= 0, got '-1'"),
        (",cat,a dog,犬\ncat,0,1,1\na dog,1,0,1\n犬,1,x,0\n", "finite numbers >= 0, got 'x'"),
        (",cat,a dog,犬\ncat,0,1\na dog,1,0,1\n犬,1,1,0\n", "a table of 4 columns"),
        (",cat,a dgo,犬\ncat,0,1,1\na dog,1,0,1\n犬,1,1,0\n", "did you mean 'a dog'"),
    ],
)
def test_a_table_of_costs_that_is_none(text, part, tmp_path):
    with pytest.raises(ConfigError, match=part):
        cost_matrix.read(write(tmp_path / "c.csv", text), NAMES, "ppcls-lt decide", "not sure")


def test_a_number_that_nearly_is_a_name():
    names = ["01", "02", "03"]
    assert cost_matrix.class_of("02", names, "x", "--recall") == 1
    with pytest.raises(ConfigError, match="got 1, which is the number of '02' and nearly '01'"):
        cost_matrix.class_of("1", names, "x", "--recall")
    assert cost_matrix.class_of("1", ["0", "01", "2"], "x", "--recall") == 1  # both say the same


def test_links_are_followed_and_hidden_files_left_out(tmp_path):
    for name in ("real/1.png", "real/.2.png", "real/.thumbs/3.png", "linked/4.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "real" / "link").symlink_to(tmp_path / "linked", target_is_directory=True)
    (tmp_path / "linked" / "back").symlink_to(tmp_path / "real", target_is_directory=True)
    found = image_files.named([str(tmp_path / "real")], owner="x")
    assert [Path(path).name for path in found.paths] == ["1.png", "4.png"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    # Root may read all folders, so the system's own answer is what is given here.
    walk = os.walk

    def denied(folder, **options):
        options["onerror"](PermissionError(13, "Permission denied", f"{folder}/shut"))
        return walk(folder, **options)

    monkeypatch.setattr(image_files.os, "walk", denied)
    with pytest.raises(ConfigError, match="shut: must be a folder that can be read, got: Permission denied"):
        image_files.named([str(tmp_path)], owner="x")


def test_a_list_of_images_elsewhere_names_the_flag(tmp_path):
    listing = write(tmp_path / "list.txt", "a/1.png 0\na/2.png 1\n")
    with pytest.raises(ConfigError, match="of whose 2 images none is there, .*; `--image-root` names the folder"):
        image_files.named([str(listing)], owner="x")


def test_lists_and_folders_of_images(tmp_path):
    for name in ("b/2 x.png", "b/1.JPG", "a/0.webp", "a/notes.md", "5"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    listing = write(tmp_path / "list.txt", "b/2 x.png\nb/2 x.png 3\ngone.png 4\n\n5\n")
    found = image_files.named([str(tmp_path / "b"), str(tmp_path), str(listing)], owner="x")
    names = [str(path)[len(str(tmp_path)) + 1 :] for path in found.paths]
    assert names[:5] == ["b/1.JPG", "b/2 x.png", "a/0.webp", "b/1.JPG", "b/2 x.png"]
    assert names[5:] == ["b/2 x.png", "b/2 x.png", "gone.png", "5"] and found.others == 3
    (tmp_path / "elsewhere" / "b").mkdir(parents=True)
    (tmp_path / "elsewhere" / "b" / "2 x.png").write_bytes(b"")
    named = image_files.named([str(listing)], owner="x", image_root=str(tmp_path / "elsewhere"))
    assert named.paths[2] == str(tmp_path / "elsewhere" / "gone.png")
