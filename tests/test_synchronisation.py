"""No step of a training, and no batch of an evaluation, makes the host wait for the device on this package's account.

What reads a tensor is trapped during real trainings; a call counts where the
nearest frame that is not Paddle's own belongs to this package.
"""

import functools
import sys
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

import ppcls_lt
from ppcls_lt.basis.registry import registered
from ppcls_lt.callbacks import Callback
from ppcls_lt.configuration import recipes
from ppcls_lt.engine.evaluated_values import LossMeter
from ppcls_lt.engine.run import Run

from . import engines
from .metric_reference import METRICS

PACKAGE = Path(ppcls_lt.__file__).parent
# What lies between a caller and the trap: Paddle, and what it wraps its functions with.
BETWEEN = (str(Path(paddle.__file__).parent), str(Path(np.__file__).parent), "decorator.py", __file__)
# Each reads the tensor's values, or gives a result whose size depends on them.
METHODS = (
    *("numpy", "item", "tolist", "cpu", "_getitem_from_offset", "__array__", "__dlpack__", "__str__", "__repr__"),
    *("__format__", "__float__", "__int__", "__long__", "__bool__", "__nonzero__", "__index__", "__complex__"),
    *("nonzero", "unique", "unique_consecutive", "masked_select"),
)
FUNCTIONS = ("nonzero", "unique", "unique_consecutive", "masked_select", "tolist")
SOFT = {"batch_transform_ops": [{"MixupOperator": {"alpha": 0.5}}]}


class Trap:
    """Notes what reads tensors while it is open: ``ours`` for this package, ``elsewhere`` counts the others."""

    def __init__(self, monkeypatch):
        self.ours = []
        self.elsewhere = 0
        self._open = False
        for owner, names in ((paddle.Tensor, METHODS), (paddle, FUNCTIONS)):
            for name in names:
                original = getattr(owner, name, None)
                if original is not None:
                    monkeypatch.setattr(owner, name, self._noted(name, original))

    def around(self, function):
        """The function, with the trap open while it runs."""

        @functools.wraps(function)
        def call(*args, **kwargs):
            before, self._open = self._open, True
            try:
                return function(*args, **kwargs)
            finally:
                self._open = before

        return call

    def _noted(self, name, original):
        @functools.wraps(original)
        def call(*args, **kwargs):
            if self._open:
                frame = sys._getframe(1)
                while frame.f_back and frame.f_code.co_filename.endswith(BETWEEN[2:]) or within(frame, BETWEEN[:2]):
                    frame = frame.f_back
                if within(frame, [str(PACKAGE)]):
                    self.ours.append(f"{name} in {frame.f_code.co_filename}:{frame.f_lineno}")
                else:
                    self.elsewhere += 1
            return original(*args, **kwargs)

        return call


def within(frame, folders):
    return any(frame.f_code.co_filename.startswith(f"{folder}/") for folder in folders)


def of_package(source, **names):
    """What a piece of code defines, as ``found``, when it stands in a file of the package."""
    exec(compile(source, str(PACKAGE / "callbacks" / "planted.py"), "exec"), names)
    return names["found"]


@pytest.fixture
def trap(monkeypatch):
    return Trap(monkeypatch)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Digits, 5 images of each class for training and 50 images in all for evaluation."""
    folder = engines.write_digits(tmp_path_factory.mktemp("data") / "digits")
    lines = (folder / "train.txt").read_text().splitlines()
    chosen = [[line for line in lines if line.endswith(f" {label}")][:5] for label in range(10)]
    (folder / "train.txt").write_text("\n".join(sum(chosen, [])) + "\n")
    (folder / "test.txt").write_text("\n".join((folder / "test.txt").read_text().splitlines()[::10]) + "\n")
    return folder


@pytest.fixture
def train(data, tmp_path, trap, monkeypatch):
    """Train two epochs with the trap open from the start of each to its end; return the trap."""
    monkeypatch.setattr(Run, "_follow", trap.around(Run._follow))

    def trained(losses=({"CELoss": {"weight": 1.0}},), *, callbacks=(), dataset=(), change=None, **options):
        settings = engines.digits_config(data, tmp_path, losses=list(losses), batch_size=20, **options)
        settings["DataLoader"]["Train"]["dataset"].update(dataset)
        settings["Callbacks"] = list(callbacks)
        if change is not None:
            change(settings)
        engines.build_engine(settings).train()
        assert trap.elsewhere > 0  # the host reads the loss at every step
        return trap

    return trained


# With a normalised classifier one that is made for it, one that looks at its features, and one that does neither.
@pytest.mark.slow
@pytest.mark.parametrize("labels", ["hard", "soft"])
@pytest.mark.parametrize(
    "name, classifier",
    [
        *((name, "plain") for name in engines.PARAMS),
        *((name, "normalized") for name in ("LDAMLoss", "IBLoss", "FocalLoss")),
    ],
)
def test_losses(name, labels, classifier, train):
    entry = engines.listed(name)
    normalized = classifier == "normalized"
    if name == "LDAMLoss" and not normalized:
        entry[name].update(s=1.0)

    def change(settings):
        if normalized:  # which takes its scale from there
            settings["Loss"]["Eval"] = [engines.listed("LDAMLoss")]

    dataset = SOFT if labels == "soft" else ()
    assert train([entry], normalized=normalized, dataset=dataset, change=change).ours == []


# Which `all` does not mean: for pretrained weights.
TUNING = ["bitfit", "discriminative", "lift_classifier", "lp_ft"]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [*recipes.names(), *TUNING])
def test_recipes(recipe, train):
    assert train(change=lambda settings: settings["Global"].update(recipe=recipe)).ours == []


@pytest.mark.slow
@pytest.mark.parametrize("every", ["step", "epoch"])
@pytest.mark.parametrize("entry", [{"MaxNormPGD": {}}, {"MaxNormPGD": {"lp_norm": 3}}, {"L2NormPGD": {}}], ids=str)
def test_norm_constraints(entry, every, train):
    ((name, params),) = entry.items()
    assert train(callbacks=[{name: {**params, "every": every}}]).ours == []


SHARPNESS = [{"SAM": {"adaptive": True}}, {"ImbSAM": {"eta": "tertiles"}}, {"FocalSAM": {}}]
AVERAGES = [{"EMA": {}}, {"SWA": {"start": 1}}]


@pytest.mark.parametrize("labels", ["hard", "soft"])
@pytest.mark.parametrize("entry", SHARPNESS, ids=str)
def test_sharpness(entry, labels, train):
    dataset = SOFT if labels == "soft" else ()
    assert train([engines.listed("FocalLoss")], callbacks=[entry], dataset=dataset).ours == []


@pytest.mark.parametrize("entry", AVERAGES, ids=str)
def test_averages(entry, train):
    assert train(callbacks=[entry]).ours == []


def test_every_callback_is_tried():
    """Together with those above: a new callback needs a recipe, or a test here."""
    in_recipes = str([recipes.read(name) for name in [*recipes.names(), *TUNING]])
    above = {"L2NormPGD", *(name for entry in SHARPNESS + AVERAGES for name in entry)}
    missing = {type_.__name__ for type_ in registered("callback").values()} - above
    assert {name for name in missing if name not in in_recipes} == set()


def test_metrics(data, tmp_path, trap, monkeypatch):
    """All metrics, the record of predictions and the evaluation loss; what is read after the last batch may wait."""
    settings = engines.digits_config(data, tmp_path, losses=[engines.listed("FocalLoss")], untrained=True)
    settings["Metric"]["Eval"] += [{name: None} for name in METRICS if name != "ManyMediumFewAcc"]
    settings["Loss"]["Eval"] = [engines.listed("IBLoss")]
    settings["DataLoader"]["Eval"]["sampler"]["batch_size"] = 20
    engine = engines.build_engine(settings, mode="eval")
    batches = []

    def call(self, *args):
        batches.append(args)
        return trap.around(paddle.nn.Layer.__call__)(self, *args)

    monkeypatch.setattr(type(engine.eval_metric_func), "__call__", call)
    monkeypatch.setattr(LossMeter, "__call__", trap.around(LossMeter.__call__))
    engine.eval()
    assert len(batches) == 3 and trap.ours == []


READS = {
    "float": "float(x)",
    "int": "int(x)",
    "complex": "complex(x)",
    "bool": "bool(x)",
    "branch": "1 if x > 0 else 2",
    "index": "[1, 2, 3][x.astype('int64')]",
    "range": "list(range(x.astype('int64')))",
    "format": "f'{x}'",
    "print": "str(x)",
    "numpy": "x.numpy()",
    "array": "np.asarray(x)",
    "item": "x.item()",
    "tolist": "x.tolist()",
    "cpu": "x.cpu()",
    "where": "paddle.nonzero(x.reshape([1]))",
    "size": "x.reshape([1]).masked_select(paddle.ones([1], 'bool'))",
    "inside Paddle": "paddle.full([x.astype('int64')], 1.0)",
}


@pytest.mark.parametrize("name", READS)
def test_a_planted_read_is_caught(name, trap):
    values = {"x": paddle.ones([]), "logits": paddle.zeros([2, 3]), "label": paddle.to_tensor([0, 1])}
    read = of_package(f"def found():\n    return {READS[name]}\n", np=np, paddle=paddle, F=F, **values)
    read()
    assert trap.ours == [] and trap.elsewhere == 0
    trap.around(read)()
    assert trap.ours and "planted.py" in trap.ours[0]
    trap.ours.clear()
    trap.around(lambda: float(paddle.ones([])))()
    assert trap.ours == [] and trap.elsewhere > 0


PLANTED = """
class found(Callback):
    def on_checkpoint_loaded(self, run):
        def look(layer, inputs, output):
            self.last = float(next(iter(output.values())))
        run.training_loss.loss_func[0].register_forward_post_hook(look)
"""


def test_a_callback_that_reads_the_loss_is_caught(train, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "Planted", of_package(PLANTED, Callback=Callback), raising=False)
    assert len(train([engines.listed("FocalLoss")], callbacks=[{f"{__name__}.Planted": None}]).ours) >= 2 * 3
