"""What `compare` says in a terminal in Chinese, and the reasons why a run is not adjusted."""

import string

import numpy as np
import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.widths import columns, wrapped
from ppcls_lt.engine import adjusting
from ppcls_lt.engine.features import TrainedModel
from ppcls_lt.maths.adjustment import METHODS, Classifier
from ppcls_lt.reports.comparison import messages, reasons, terminal, texts
from ppcls_lt.reports.comparison.writing import write

from . import commands, engines
from .comparisons import RECIPES, english_in, make_outcome

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(engines.ROOT)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("messages")
    config = engines.packaged("ce", engines.write_digits(folder / "digits"), folder / "out", epochs=8)
    engines.write_yaml(config, folder / "base.yaml")
    return folder


def gaps(text):
    return sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})


def test_languages_have_the_same_messages_with_the_same_gaps():
    assert {key: gaps(text) for key, text in messages.EN.items()} == {
        key: gaps(text) for key, text in messages.ZH.items()
    }
    assert all(text.isascii() and text for text in messages.EN.values())
    assert {key for key in messages.EN if messages.EN[key] == messages.ZH[key]} == set()
    assert not messages.EN.keys() & texts.EN.keys()


def reasons_of(classifier, held_out):
    """Why no method but class_offsets, which is not asked for, suits a classifier."""
    names = [name for name in METHODS if name != "class_offsets"]
    return {str(error) for error in adjusting._refused(classifier, names, None, np.array(held_out), str).values()}


def every_reason():
    """The sentences that a run's folder can have."""
    weight = np.ones((2, 3))
    sure = Classifier(weight, np.zeros(3), np.array([3, 2, 1]), np.full(3, 1 / 3), normalized=False)
    found = reasons_of(sure._replace(normalized=True, counts=np.array([3, 0, 0])), [1, 1, 1])
    found |= reasons_of(sure._replace(counts=np.array([3, 0, 0])), [1, 1, 1]) | reasons_of(sure, [1, 1, 1])
    with pytest.raises(ConfigError) as refused:
        METHODS["nearest_class_mean"].check(sure._replace(counts=np.arange(3)))
    found.add(str(refused.value))
    empty = adjusting._refused(sure, ["class_offsets"], {}, np.array([0, 1, 0]), str)
    found |= {str(error) for error in empty.values()}
    for what in (
        "has no Linear layer with 3 outputs",
        "has one output, for two classes; `class_num: 2` has a logit for each",
        "gives logits that are not those of its last Linear layer, head.fc, alone",
    ):
        with pytest.raises(ConfigError) as refused:
            TrainedModel._refuse("ResNet50", what)
        found.add(str(refused.value))
    few = adjusting.checks.finding(
        adjusting.OWNER,
        "--val-list",
        "be a list of enough images to cross-validate",
        adjusting.checks.described("2 of them"),
    )
    return sorted({*found, str(ConfigError(few))})


@pytest.mark.parametrize("reason", every_reason())
def test_a_reason_is_said_in_chinese(reason):
    said = reasons.said(reason, texts.ZH["html_lang"])
    assert "must" in reason and "must" not in said and said.endswith("。") and not english_in(said)
    assert reasons.said(reason, texts.EN["html_lang"]) == reason
    if "classes" in reason and "none of" in reason:
        assert "2 个类别（" in said


def test_every_known_reason_can_be():
    known = [english for english, _ in reasons._REASONS["zh-CN"]]
    assert all(any(reasons._parsed(english, reason) for reason in every_reason()) for english in known)


def test_an_unknown_reason_stays():
    assert reasons.said("no classifier", "zh-CN") == "no classifier"


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_end_is_said_in_chinese_and_fits(width):
    outcome = make_outcome(recipes=RECIPES[:9], failures=[("ib", 1, "killed")], missing=[("crt", 0)], unadjusted=[])
    said = terminal.text(outcome, width, messages.WORDS["zh"])
    assert not english_in(said) and "配方比较：" in said and "失败的训练：" in said
    assert max(map(columns, said.splitlines())) <= max(width, 60)


def test_wide_text_is_broken_between_its_characters():
    text = "建议使用 ldam_drw。在未参与训练的图像上，它的平衡准确率为 91.2 %（“基线”为 85.0 %）。"
    for width in range(20, 90):
        lines = wrapped(f"  {text}", width, "    ").split("\n")
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert max(map(columns, lines)) <= width and lines[0].startswith("  建")
        assert all(line.startswith("    ") and line[4] not in "，。）”" for line in lines[1:])
    assert wrapped("a plain line of words", 20, " ") == "a plain line of\n words"


def test_what_is_written_is_said_in_the_language(tmp_path):
    assert write(make_outcome(), tmp_path, "zh", page=False).startswith("比较：")


@pytest.mark.parametrize(
    "options, sentences",
    [
        (["--recipes", "ldam", "ce", "--seeds", 0, 1], ["2个候选", "2个随机种子", "已完成0次训练", "对原配置没有"]),
        (["--recipes", "ldam", "focal", "--budget-epochs", 60, "--seeds", 0, 1], ["第1轮筛选", "合计", "预算为60轮"]),
        (["--recipes", "ldam", "--budget", "4h"], ["先训练base的", "预算为4小时00分钟", "至多"]),
    ],
)  # fmt: skip
def test_the_command_says_what_it_would_do(place, options, sentences):
    arguments = ["compare", "-c", "base.yaml", *options, "--dry-run", "--out", "dry", "--language", "zh"]
    done = commands.run(place, *arguments, environment=ENVIRONMENT)
    assert done.returncode == 0, done.errors
    said = "".join(done.output.split())
    assert not english_in(done.output) and not [each for each in sentences if each not in said], done.output
