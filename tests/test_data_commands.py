"""`ppcls-lt counts`, `make-lt` and `split` as a user runs them, in a process of their own."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from ppcls_lt.basis.registry import registered
from ppcls_lt.data.profiles import long_tail_profile

from . import commands
from .commands import ROOT, counted, fails, lines_of, make_list


@pytest.fixture
def run(tmp_path):
    """``commands.run`` in this test's folder."""
    return functools.partial(commands.run, tmp_path)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (
            ["split", "list.txt", "--val-fraction", ".1", "--train-out", "", "--val-out", "v"],
            "`--train-out` must be",
        ),
        (["counts", "list.txt", "--class-num", "100000000"], "`--class-num` must be at most"),
    ],
)
def test_values_that_are_none_name_the_flag(run, tmp_path, arguments, said):
    make_list(tmp_path / "list.txt", [20, 10])
    fails(run(*arguments), said)


@pytest.mark.parametrize(
    "content, names", [("\ufeff0 cat\n1 dog\n", "cat dog"), ("0\tcat\n1\tdog\n", "0 1"), ("0 cat\n0 dog\n", "0 1")]
)
def test_names_beside_a_list_are_read_or_that_they_are_not_is_told(run, tmp_path, content, names):
    make_list(tmp_path / "list.txt", [200, 50])
    (tmp_path / "label.txt").write_text(content, encoding="utf-8")
    done = run("counts", "list.txt")
    largest, smallest = names.split()
    assert f"largest class: {largest} (200" in done.output and f"smallest class: {smallest} (50" in done.output
    assert ("their names are not taken from a file beside" in done.errors) == (largest == "0")


def test_a_name_that_an_old_console_cannot_show_ends_nothing(run, tmp_path):
    make_list(tmp_path / "list.txt", [200, 50])
    (tmp_path / "label.txt").write_text("0 熊猫\n1 dog\n", encoding="utf-8")
    done = run("counts", "list.txt", environment={"PYTHONIOENCODING": "latin-1"})
    assert done.returncode == 0 and r"\u718a\u732b" in done.output


class TestCounts:
    def test_report(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [200, 50, 10])
        done = run("counts", "list.txt")
        assert (done.returncode, done.errors) == (0, "")
        assert (
            done.output
            == """\
list.txt: 260 images, 3 classes
largest class: 0 (200 images)
smallest class: 2 (10 images)
imbalance ratio: 20

group   images of a class    classes      images    share
many    more than 100              1         200    76.9%
medium  20 to 100                  1          50    19.2%
few     less than 20               1          10     3.8%

class  images  group
    0     200  many    █████████████████████████████████████
    1      50  medium  █████████▎
    2      10  few     █▉
"""
        )

    def test_ascii_where_the_terminal_has_no_blocks(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [200, 10])
        done = run("counts", "list.txt", environment={"PYTHONIOENCODING": "ascii"})
        assert done.returncode == 0
        assert done.output.splitlines()[-1] == "    1      10  few    ##"

    def test_classes_without_images_are_named(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [4, 0, 2, 0])
        done = run("counts", "list.txt", "--class-num", 5)
        assert "list.txt: 6 images, 5 classes\n" in done.output
        assert "without images: 3 classes: 1, 3, 4\n" in done.output
        assert "imbalance ratio: 2 (of the classes with images)\n" in done.output
        assert "without images: class 1\n" in run("counts", "list.txt").output

    def test_groups(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [8, 5, 3])
        own = run("counts", "list.txt", "--many", 4, "--few", 4).output
        assert [line.split()[0] for line in own.splitlines()[-3:]] == ["0", "1", "2"]
        assert [line.split()[2] for line in own.splitlines()[-3:]] == ["many", "many", "few"]
        thirds = run("counts", "list.txt", "--groups", "tertiles").output
        assert [line.split()[2] for line in thirds.splitlines()[-3:]] == ["many", "medium", "few"]
        assert "many    the largest third          1           8    50.0%" in thirds

    def test_many_classes_are_condensed(self, run, tmp_path):
        make_list(tmp_path / "list.txt", long_tail_profile(50, 50, 1000))
        lines = run("counts", "list.txt").output.splitlines()
        assert len(lines) < 40
        assert max(map(len, lines)) <= 60
        assert any(line.split()[:6] == ["1", "to", "50", "50", "to", "41"] for line in lines)

    @pytest.mark.parametrize("counts", [[6, 0, 1], long_tail_profile(40, 40, 300)], ids=len)
    @pytest.mark.parametrize("groups", [[], ["--groups", "tertiles"], ["--many", "5", "--few", "2"]])
    def test_yaml_can_be_pasted(self, run, tmp_path, ppcls, counts, groups):
        make_list(tmp_path / "list.txt", counts)
        done = run("counts", "list.txt", "--yaml", *groups)
        settings = yaml.safe_load(done.output)
        assert settings["Arch"] == {"class_num": len(counts)}
        ((name, params),) = settings["Loss"]["Train"][0].items()
        assert params.pop("weight") == 1.0
        loss = registered("loss")[name](**params)
        assert loss.counts.tolist() == counts
        ((name, params),) = settings["Metric"]["Eval"][0].items()
        metric = registered("metric")[name](**params)
        assert metric.counts.tolist() == counts
        assert max(map(len, done.output.splitlines())) <= 120

        # PaddleClas's own reader understands it too.
        from ppcls.utils.config import parse_config

        (tmp_path / "snippet.yaml").write_text(done.output)
        parsed = parse_config(str(tmp_path / "snippet.yaml"))
        assert parsed["Metric"]["Eval"][0]["ManyMediumFewAcc"]["num_class_list"] == counts

    def test_png(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [6, 1])
        for _ in range(2):
            done = run("counts", "list.txt", "--png", "chart.png")
            assert (done.returncode, done.errors) == (0, "")
            assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")

    def test_png_never_replaces_the_list(self, run, tmp_path):
        content = make_list(tmp_path / "list.png", [6, 1])
        fails(run("counts", "list.png", "--png", "list.png"), "`--png` must be another file than the list")
        assert (tmp_path / "list.png").read_bytes() == content

    def test_png_without_matplotlib(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [6, 1])
        # A Python whose only package is NumPy.
        packages = tmp_path / "packages"
        packages.mkdir()
        for folder in Path(np.__file__).parent.parent.glob("numpy*"):
            (packages / folder.name).symlink_to(folder)
        options = {
            "code": ("-S", "-m", "ppcls_lt"),
            "environment": {"PYTHONPATH": f"{ROOT}{os.pathsep}{packages}"},
        }
        done = run("counts", "list.txt", "--png", "chart.png", **options)
        fails(done, "Matplotlib", 'pip install "ppcls-lt[report]"')
        assert not (tmp_path / "chart.png").exists()
        assert run("counts", "list.txt", **options).returncode == 0

    @pytest.mark.parametrize("delimiter", ["\t", r"\t"])
    def test_tabs(self, run, tmp_path, delimiter):
        make_list(tmp_path / "list.txt", [3, 1], "my images/{1}.jpg\t{0}\r\n")
        assert "list.txt: 4 images, 2 classes\n" in run("counts", "list.txt", "--delimiter", delimiter).output

    def test_a_list_with_a_name_in_another_encoding(self, run, tmp_path):
        name = os.fsdecode(b"list\xff.txt")
        make_list(tmp_path / name, [3, 1])
        done = run("counts", name)
        assert done.returncode == 0
        assert done.output.startswith(r"list\udcff.txt: 4 images")

    def test_a_reader_that_leaves(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [30] * 40)
        command = f"{sys.executable} -m ppcls_lt counts list.txt | head -n 1"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert (done.stdout, done.stderr) == ("list.txt: 1200 images, 40 classes\n", "")

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "arguments, parts",
        [
            (
                ["missing.txt"],
                ["`LIST` must be a file that can be read, got missing.txt: No such file or directory, sought in /"],
            ),
            (["list.txt", "--class-num", "2"], ["label 2 in line "]),
            (["list.txt", "--class-num", "0"], ["`--class-num` must be an integer >= 1"]),
            (["list.txt", "--delimiter", ""], ["`--delimiter` must be a text that is not empty"]),
            (["list.txt", "--few", "101"], ["`--few` must be an integer from 0 to --many, which is 100"]),
            (["list.txt", "--many", "-1"], ["`--many` must be an integer >= 0"]),
            (["list.txt", "--few", "-1"], ["`--few`"]),
            (["list.txt", "--groups", "tertiles", "--few", "3"], ["`--few` must be left out"]),
            (["list.txt", "--png", "list.txt"], ["`--png` must be a file name that ends in .png"]),
            (["list.txt", "--png", "no/chart.png"], ["`--png` must be a file in an existing folder"]),
        ],
    )
    def test_mistakes(self, run, tmp_path, arguments, parts):
        make_list(tmp_path / "list.txt", [6, 1, 3])
        fails(run("counts", *arguments), "ppcls-lt counts: ", *parts)


BAD_LISTS = {
    "an empty file": (b"", "got an empty file"),
    "a blank line": (b"a 0\n\nb 1\n", "got line 2: ''"),
    "no label": (b"a 0\nb\n", "got line 2: 'b'"),
    "a label that is no integer": (b"a 0\r\nb one\r\n", "got line 2: 'b one'"),
    "a negative label": (b"a 0\nb -1", "label -1 in line 2: 'b -1'"),
    "another delimiter": (b"a\t0\n", "'image label'"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", BAD_LISTS)
@pytest.mark.parametrize(
    "arguments",
    [
        ("counts", "list.txt"),
        ("make-lt", "list.txt", "--ratio", 2, "-o", "out.txt"),
        ("split", "list.txt", "--val-fraction", 0.5, "--train-out", "out.txt", "--val-out", "val.txt"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_faulty_lists_name_file_and_line(run, tmp_path, kind, arguments):
    content, message = BAD_LISTS[kind]
    (tmp_path / "list.txt").write_bytes(content)
    fails(run(*arguments), f"ppcls-lt {arguments[0]}: `LIST` must be ", "(list.txt)", message)
    assert os.listdir(tmp_path) == ["list.txt"]


class TestMakeLt:
    def test_the_authors_profile(self, run, tmp_path):
        content = make_list(tmp_path / "list.txt", [5000] * 10)
        done = run("make-lt", "list.txt", "--ratio", 100, "-o", "out.txt")
        assert (done.returncode, done.errors) == (0, "")
        assert counted(tmp_path / "out.txt") == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
        assert done.output.startswith("kept 12406 of 50000 images of list.txt\n\nout.txt: 12406 images, 10 classes\n")
        assert "imbalance ratio: 100\n" in done.output
        assert (tmp_path / "list.txt").read_bytes() == content

    def test_lines_are_kept_byte_by_byte_in_order(self, run, tmp_path):
        lines = [b"a\xc3\xbf.jpg 0 more\r\n", b"b.jpg 1\n", b" c.jpg 0\r", b"\tdd.jpg 1 \n"]
        lines += [b"%d.jpg %d\r\n" % (i, i % 2) for i in range(40)] + [b"last.jpg 0"]
        (tmp_path / "list.txt").write_bytes(b"".join(lines))
        order = ("--order", "1,0", "--max-per-class", 20)
        assert run("make-lt", "list.txt", "--ratio", 4, *order, "-o", "out.txt").returncode == 0
        kept = (tmp_path / "out.txt").read_bytes()
        assert counted(tmp_path / "out.txt") == [5, 20]
        positions = [lines.index(line) for line in lines_of(kept)]
        assert positions == sorted(positions) and len(positions) == 25

    def test_the_seed_decides(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [50, 50])
        for name, seed in (("a", 0), ("b", 0), ("c", 1)):
            run("make-lt", "list.txt", "--ratio", 10, "--seed", seed, "-o", name)
        a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
        assert a == b != c
        assert counted(tmp_path / "c") == [50, 5]

    @pytest.mark.parametrize(
        "options, expected",
        [
            (["--kind", "step"], [20, 20, 20, 2, 2]),
            (["--kind", "step", "--step-fraction", "0.2"], [20, 20, 20, 20, 2]),
            (["--kind", "step", "--order", "4,3,2,1,0", "--max-per-class", "20"], [2, 2, 20, 20, 20]),
            (["--order", "size", "--max-per-class", "10"], [5, 3, 1, 1, 10]),
            (["--max-per-class", "10"], [10, 5, 3, 1, 1]),
        ],
    )
    def test_options(self, run, tmp_path, options, expected):
        make_list(tmp_path / "list.txt", [20, 20, 20, 20, 21])
        assert run("make-lt", "list.txt", "--ratio", 10, *options, "-o", "out.txt").errors == ""
        assert counted(tmp_path / "out.txt") == expected

    def test_random_order(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [20] * 6)
        orders = set()
        for seed in range(3):
            run("make-lt", "list.txt", "--ratio", 20, "--order", "random", "--seed", seed, "-o", "out", "--force")
            orders.add(tuple(counted(tmp_path / "out")))
        assert len(orders) == 3
        assert {tuple(sorted(order, reverse=True)) for order in orders} == {tuple(long_tail_profile(20, 20, 6))}

    def test_too_few_images(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [100, 20, 10])
        fails(
            run("make-lt", "list.txt", "--ratio", 10, "-o", "out.txt"),
            "ppcls-lt make-lt: `--max-per-class` must be at most 66 ",
            "(--max-per-class 66), got 100: class 1 has 20 images and needs 31",
        )
        done = run("make-lt", "list.txt", "--ratio", 10, "-o", "out.txt", "--max-per-class", 66)
        assert done.returncode == 0
        assert counted(tmp_path / "out.txt") == [66, 20, 6]

    def test_a_ratio_that_cannot_be_reached(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [5, 5])
        done = run("make-lt", "list.txt", "--ratio", 8, "-o", "out.txt")
        unreached = "a ratio of 8 is out of reach: the largest class has 5 images"
        assert done.returncode == 0 and unreached not in done.output  # it is said once
        assert done.errors == f"ppcls-lt: warning: {unreached}; the list has 5\n"
        assert "imbalance ratio: 5\n" in done.output
        done = run("make-lt", "list.txt", "--ratio", 5, "-o", "out.txt", "--force")
        assert done.output.splitlines()[1] == "" and done.errors == ""

    def test_existing_files(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [10, 10])
        (tmp_path / "out.txt").write_text("mine")
        arguments = ("make-lt", "list.txt", "--ratio", 2, "-o")
        fails(run(*arguments, "out.txt"), "`--out` must be a new file (or pass --force")
        assert (tmp_path / "out.txt").read_text() == "mine"
        before = (tmp_path / "list.txt").read_bytes()
        fails(run(*arguments, "./list.txt", "--force"), "another file than the list that is read")
        assert (tmp_path / "list.txt").read_bytes() == before
        assert run(*arguments, "out.txt", "--force").returncode == 0
        assert counted(tmp_path / "out.txt") == [10, 5]
        assert sorted(os.listdir(tmp_path)) == ["list.txt", "out.txt"]

    @pytest.mark.skipif(not os.path.exists("/dev/stdin"), reason="needs /dev/stdin")
    def test_a_pipe_is_refused(self, run):
        done = run("make-lt", "/dev/stdin", "--ratio", 1, "-o", "out.txt", input=b"a 0\nb 1\n")
        fails(done, "`LIST` must be a regular file, got '/dev/stdin', a device or pipe")

    @pytest.mark.parametrize(
        "options, parts",
        [
            (["--ratio", "0.5"], ["`--ratio` must be a finite number >= 1"]),
            (["--ratio", "nan"], ["`--ratio`"]),
            (["--ratio", "2", "--order", "2,1"], ["`--order` must be every class from 0 to 2 once, got 2 classes"]),
            (["--ratio", "2", "--order", "2;1;0"], ["`--order` must be given, random, size, or classes"]),
            (["--ratio", "2", "--order", "large"], ["`--order` must be one of given, random, size"]),
            (["--ratio", "2", "--step-fraction", "0.3"], ["`--step-fraction` must be used with --kind step"]),
            (["--ratio", "2", "--kind", "step", "--step-fraction", "1"], ["`--step-fraction` must be "]),
            (["--ratio", "2", "--seed", "-1"], ["`--seed` must be an integer >= 0"]),
        ],
    )
    def test_mistakes(self, run, tmp_path, options, parts):
        make_list(tmp_path / "list.txt", [6, 6, 6])
        fails(run("make-lt", "list.txt", "-o", "out.txt", *options), "ppcls-lt make-lt: ", *parts)
        assert os.listdir(tmp_path) == ["list.txt"]

    def test_a_class_without_images(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [6, 0, 6])
        fails(run("make-lt", "list.txt", "--ratio", 2, "-o", "o"), "images of every class, got no image of class 1")


class TestSplit:
    @staticmethod
    def arguments(fraction=0.1, name="list.txt"):
        return ("split", name, "--val-fraction", fraction, "--train-out", "train.txt", "--val-out", "val.txt")

    def test_split(self, run, tmp_path):
        content = make_list(tmp_path / "list.txt", [100, 30, 4, 2])
        done = run(*self.arguments())
        assert (done.returncode, done.errors) == (0, "")
        assert done.output == (
            "train.txt: 121 images of 4 classes, 1 to 90 a class\nval.txt: 15 images of 4 classes, 1 to 10 a class\n"
        )
        assert counted(tmp_path / "train.txt") == [90, 27, 3, 1]
        assert counted(tmp_path / "val.txt") == [10, 3, 1, 1]
        train, val = (lines_of((tmp_path / name).read_bytes()) for name in ("train.txt", "val.txt"))
        held_out = set(val)
        lines = lines_of(content)
        assert [line for line in lines if line not in held_out] == train
        assert [line for line in lines if line in held_out] == val
        assert sorted(os.listdir(tmp_path)) == ["list.txt", "train.txt", "val.txt"]

    def test_repeated_images(self, run, tmp_path):
        lines = [f"{i}.jpg {i % 2}\n" for i in range(20)] * 3
        (tmp_path / "list.txt").write_text("".join(lines))
        done = run(*self.arguments(0.3))
        assert done.output == (
            "train.txt: 42 images of 2 classes, 21 a class\n"
            "val.txt: 18 images of 2 classes, 9 a class\n"
            "repeated images, all on one side: 40 further lines\n"
        )
        train, val = ((tmp_path / name).read_text().splitlines() for name in ("train.txt", "val.txt"))
        assert not set(train) & set(val)
        assert (len(train), len(val)) == (42, 18)

    def test_a_class_with_one_image(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [10, 0, 1, 2])
        fails(run(*self.arguments()), "(or pass --allow-missing), got a single image of class 2")
        assert os.listdir(tmp_path) == ["list.txt"]
        done = run(*self.arguments(), "--allow-missing")
        assert "only in training, for lack of a second image: class 2\nwithout images: class 1\n" in done.output
        assert counted(tmp_path / "train.txt") == [9, 0, 1, 1]
        assert counted(tmp_path / "val.txt") == [1, 0, 0, 1]

    def test_only_single_images(self, run, tmp_path):
        make_list(tmp_path / "list.txt", [1, 1])
        fails(run(*self.arguments(), "--allow-missing"), "`LIST` must be a list with an image for validation")
        assert os.listdir(tmp_path) == ["list.txt"]

    def test_the_seed_decides_not_the_order_of_the_lines(self, run, tmp_path):
        content = make_list(tmp_path / "list.txt", [40, 20])
        run(*self.arguments())
        first = set(lines_of((tmp_path / "val.txt").read_bytes()))
        (tmp_path / "turned.txt").write_bytes(b"".join(reversed(lines_of(content))))
        run(*self.arguments(name="turned.txt"), "--force")
        assert set(lines_of((tmp_path / "val.txt").read_bytes())) == first
        run(*self.arguments(), "--force", "--seed", 1)
        assert set(lines_of((tmp_path / "val.txt").read_bytes())) != first

    def test_an_image_with_two_labels(self, run, tmp_path):
        (tmp_path / "list.txt").write_text("a 0\nb 0\na 1\nc 1\n")
        fails(run(*self.arguments()), "one label for every image, got the labels 0 (line 1) and 1 (line 3) of 'a'")

    @pytest.mark.parametrize(
        "options, parts",
        [
            (["--val-out", "train.txt"], ["`--val-out` must be another file than `--train-out`"]),
            (["--train-out", "list.txt", "--force"], ["`--train-out` must be another file than the list"]),
            (["--val-out", "old.txt"], ["`--val-out` must be a new file"]),
            (["--val-out", "no/val.txt"], ["`--val-out` must be a file in an existing folder"]),
            (["--val-fraction", "0"], ["`--val-fraction` must be a finite number > 0 and < 1"]),
            (["--val-fraction", "1"], ["`--val-fraction`"]),
            (["--seed", "-3"], ["`--seed`"]),
        ],
    )
    def test_mistakes(self, run, tmp_path, options, parts):
        make_list(tmp_path / "list.txt", [6, 6])
        (tmp_path / "old.txt").write_text("mine")
        fails(run(*self.arguments(), *options), "ppcls-lt split: ", *parts)
        assert sorted(os.listdir(tmp_path)) == ["list.txt", "old.txt"]
        assert (tmp_path / "old.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments",
    [
        ["counts", "list.txt", "--png", "a.png"],
        ["counts", "list.txt", "--yaml"],
        ["make-lt", "list.txt", "--ratio", "2", "-o", "b.txt"],
        ["split", "list.txt", "--val-fraction", "0.5", "--train-out", "c.txt", "--val-out", "d.txt"],
    ],
    ids=lambda arguments: " ".join(arguments[::2]),
)
def test_no_command_loads_paddle_and_only_the_picture_matplotlib(run, tmp_path, arguments):
    make_list(tmp_path / "list.txt", [6, 6])
    code = (
        "import sys; from ppcls_lt.commands import main; status = main.main(); "
        "print('loaded:', *({'paddle', 'ppcls', 'paddleclas', 'matplotlib'} & set(sys.modules))); sys.exit(status)"
    )
    done = run(*arguments, code=("-c", code))
    assert (done.returncode, done.errors) == (0, "")
    loaded = done.output.rpartition("loaded:")[2].split()
    assert loaded == (["matplotlib"] if "--png" in arguments else [])
