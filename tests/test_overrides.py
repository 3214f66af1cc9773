"""Values after ``-o``: read as PaddleClas read them, never run, put where they belong."""

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ppcls_lt.basis import overrides
from ppcls_lt.basis.checks import ConfigError

# What PaddleClas's own reading, `eval`, makes of them.
AS_THE_HOST = {
    "3": 3,
    " 3": 3,
    "-1e-3": -0.001,
    "1_000": 1000,
    "0.1*256/1024": 0.1 * 256 / 1024,
    "1.0/3.0": 1.0 / 3.0,
    "2**10 - 7 // 2 % 3": 2**10 - 7 // 2 % 3,
    "-(1 + 2)": -3,
    "True": True,
    "None": None,
    "'None'": "None",
    "[1, 2]": [1, 2],
    "1,2": (1, 2),
    "[0.5*2, {'a': 1/4}]": [1.0, {"a": 0.25}],
    "{1, 2}": {1, 2},
    "[0.485,0.456,0.406]": [0.485, 0.456, 0.406],
    "gpu": "gpu",
    "./output/a b": "./output/a b",
    "007": "007",
    "1/0": "1/0",
    "2.0**9999": "2.0**9999",
    "": "",
    "a=b": "a=b",
    "ResNet50": "ResNet50",
    "1 2": "1 2",
    "[1, 2": "[1, 2",
    "data/train.txt": "data/train.txt",
}
# What it would run; here it is a text.
RUN_BY_THE_HOST = (
    "__import__('os').system('touch gone')",
    "os",
    "open('gone', 'w')",
    "all",
    "(lambda: 1)()",
    "[x for x in (1, 2)]",
    "f'{1}'",
    "().__class__",
    "'a' * 3",
    "[1] * 3",
    "9**9**9**9",
    "1" + "*9" * 20000,
    "(" * 5000,
    "-" * 5000 + "1",
    "{**{}}",
    "[*()]",
)


def builtin_reading(text):
    try:
        return eval(text, {"__builtins__": {}})
    except Exception:
        return text


@pytest.mark.parametrize("text", AS_THE_HOST)
def test_values_are_read_as_the_host_reads_them(text):
    for found in (overrides.value(text), builtin_reading(text)):
        assert found == AS_THE_HOST[text] and type(found) is type(AS_THE_HOST[text])


@pytest.mark.parametrize("text, value", [("true", True), ("false", False), ("null", None), (" false", False)])
def test_switches_may_be_written_as_in_yaml(text, value):
    """To the host they are texts, of which "false" counts as true."""
    assert overrides.value(text) is value
    assert overrides.value(repr(text)) == text
    assert builtin_reading(text) == text


@pytest.mark.parametrize("text", RUN_BY_THE_HOST, ids=lambda text: text[:20])
def test_code_is_a_text(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert overrides.value(text) == text
    assert list(tmp_path.iterdir()) == []


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(LITERALS)
@example({"inf": None})
@example([float("inf")])
def test_every_literal_is_read_as_python_writes_it(value):
    try:
        wanted = ast.literal_eval(repr(value))
    except ValueError:  # of an infinite number, whose repr is a name
        wanted = repr(value)
    assert overrides.value(repr(value)) == wanted


def nested():
    return {"Global": {"epochs": 5, "empty": None}, "Loss": {"Train": [{"CELoss": {"weight": 1.0}}]}}


class TestApply:
    def test_maps_and_lists_are_walked(self):
        config = nested()
        new = overrides.apply(config, ["Global.epochs=2", "Loss.Train.0.CELoss.weight=0.5", "Loss.Train.-1.CELoss.x=1"])
        assert config["Global"]["epochs"] == 2
        assert config["Loss"]["Train"] == [{"CELoss": {"weight": 0.5, "x": 1}}]
        assert new == [(("Loss", "Train", "-1", "CELoss", "x"), 1)]

    def test_what_was_not_there_is_told_once(self):
        config = nested()
        new = overrides.apply(config, ["Global.epoch=1", "Globl.epochs=3", "Globl.epochs=4", "Global.epochs=1"])
        assert new == [(("Global", "epoch"), 1), (("Globl", "epochs"), 3)]
        assert config["Globl"] == {"epochs": 4}

    def test_only_the_first_sign_separates(self):
        config = nested()
        overrides.apply(config, ["Global.pretrained_model=./lr=0.1/latest"])
        assert config["Global"]["pretrained_model"] == "./lr=0.1/latest"

    @pytest.mark.parametrize(
        "override, message",
        [
            ("Global.epochs", "`-o` must be of the form key=value, the keys joined by dots, got 'Global.epochs'"),
            ("=3", "`-o` must be of the form key=value"),
            ("Global..epochs=3", "`-o` must be of the form key=value"),
            (
                "Loss.Train.5.CELoss.weight=1",
                "`-o Loss.Train.5.CELoss.weight` must be the path of an entry, got '5' for the list Loss.Train, "
                "which has items 0 to 0",
            ),
            ("Loss.Train.CELoss.weight=1", "got 'CELoss' for the list Loss.Train, which has items 0 to 0"),
            ("Loss.Train.1=1", "got '1' for the list Loss.Train"),
            (
                "Global.epochs.max=1",
                "`-o Global.epochs.max` must be the path of an entry, got Global.epochs, which is '5' \\(int\\)",
            ),
            ("Global.empty.a.b=1", "to fill an empty section give all of it: -o Global.empty=\\{...\\}"),
        ],
    )
    def test_a_path_that_leads_nowhere(self, override, message):
        with pytest.raises(ConfigError, match=message):
            overrides.apply(nested(), [override])
