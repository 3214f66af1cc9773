"""Around each evaluation of the host's Engine: what is kept of it, and what it returns."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Callable

import paddle.distributed as dist

from .. import metrics
from ..basis import checks, disk
from ..basis.findings import ConfigError, Finding, of, place
from ..basis.registry import registered
from ..configuration import data_checks, trying
from ..configuration import reading as configuration
from ..runs import files as run_files
from ..runs import history
from . import best_metric, nonfinite, recording
from . import evaluated_values as evaluated

if TYPE_CHECKING:
    from ..host.engine import EngineView
    from .run import Run

_log = logging.getLogger("ppcls.lt")


def findings(config: dict, mode: str) -> Iterator[Finding]:
    """Yield every mistake in the metrics that shows without building an Engine.

    Args:
        config (dict): the host's configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
    """
    known = registered("metric")
    for where, name, _ in configuration.sound(config, "Metric", "Train") if mode == "train" else ():
        if name in known:
            why = "in training PaddleClas would neither log it nor reset it"
            text, must = f"Metric.Train: {name} belongs into Metric.Eval; {why}", f"be in Metric.Eval; {why}"
            yield checks.worded(text, where, name, must, checks.described("an entry of Metric.Train"))
    if mode == "eval" or (mode == "train" and config["Global"].get("eval_during_train", True)):
        seen: dict[str, str] = {}
        for where, name, params in configuration.sound(config, "Metric", "Eval"):
            if name not in known:
                continue
            if seen.setdefault(name, where) != where:
                text = f"{where}: {name} is listed twice ({seen[name]}); its values have one name each"
                got = checks.described(f"one in {seen[name]} too")
                yield checks.worded(text, where, name, f"be the only {name}", got)
            else:
                yield from _parameters(known[name], params, config, place(f"{where} {name}"))
        if seen and config["Global"].get("use_dali", False):
            why = "DALI fills the last batch with images that it has shown already, and PaddleClas counts them again"
            must = f"be false to evaluate {next(iter(seen))}"
            yield checks.finding("Global", "use_dali", must, checks.described(f"true: {why}"))
    yield from of(best_metric.check, config, mode)


def _parameters(metric, params, config, at):
    """What a metric says of its parameters, before the data are read."""
    params = dict(params)
    given = params.get("num_class_list")
    grouping = params.get("group_by")
    classes = configuration.class_number(config) or (len(grouping) if isinstance(grouping, list) else 2)
    if given == configuration.AUTO:
        params["num_class_list"] = [1] * classes
    elif given is not None:
        empty = params.get("allow_empty_classes", False)
        try:
            params["num_class_list"] = configuration.counts_given(given, metric.__name__, config, empty)
        except ConfigError as error:
            yield from (finding.below(at) for finding in error.findings)
            params["num_class_list"] = [1] * classes
    yield from trying.mistakes(metric, params, at)


def attach(engine: EngineView, run: Run | None = None) -> None:
    """Let an Engine's evaluations keep their values and return the score that chooses the best model.

    Only where the host classifies; retrieval is left alone.

    Args:
        engine (EngineView): built.
        run (Run, optional): the training that evaluates; of one without epochs, epoch 0 is what it comes to.

    Raises:
        ConfigError: the evaluation would not be of every image once, or the
            chosen score can never be a number.
    """
    if engine.eval_mode != "classification" or engine.metrics is None:
        return
    data_checks.check_every_image_once(engine.eval_loader, engine.config)
    ours = evaluated.ours(engine)
    batches = metrics.Batches()
    metrics.share(ours, batches)
    if ours:
        data_checks.check_coverage(engine.eval_loader, type(ours[0]).__name__)
    best_metric.check_built(engine)
    engine.around("eval", Evaluation(engine, run, batches))


class Evaluation:
    """Stands for the host's evaluation, whose values are then logged, written down and chosen from."""

    def __init__(self, engine: EngineView, run: Run | None, batches: metrics.Batches) -> None:
        self._engine = engine
        self._run = run
        self._batches = batches  # reduced once for metrics, predictions and what is not finite
        self._first_epoch = 0 if run is None or run.epochs == 0 else 1
        self._history = None
        self._said: set[str] = set()  # which values are undefined

    def __call__(self, evaluate: Callable, epoch_id: int = 0) -> float:
        """Evaluate as the host does; return the score of ``Global.best_metric``, or what the host returns."""
        engine = self._engine
        loss = engine.evaluation_loss
        meter = None if loss is None else evaluated.LossMeter(loss)
        keeps = dist.get_rank() == 0 and epoch_id >= self._first_epoch
        recorder = recording.PredictionRecorder(self._batches) if keeps else None
        outputs = nonfinite.Outputs(self._batches)

        def after(*call):
            outputs(*call)
            self._batches.forget()

        with engine.evaluating(loss=meter, before=recorder, after=after):
            result = evaluate(epoch_id)
        found = evaluated.values(engine)
        undefined = outputs.undefined()
        if undefined:
            found, result = dict.fromkeys(found, math.nan), math.nan
            if keeps:
                recorder.forget()  # type: ignore[union-attr]  # there is one where it keeps
        score = self._later_of_equals(best_metric.score(engine, found, result))
        if dist.get_rank() == 0:
            losses = {} if meter is None else meter.means()
            evaluated.log_values(engine, epoch_id, found, losses)
            if not undefined:
                self._say_left_out(found)
            if engine.mode == "eval":
                evaluated.log_table(engine)
            if keeps:
                with disk.writing(engine.output_dir):
                    self._keep(epoch_id, found, losses, score, recorder)
        if undefined:
            self._say_undefined(undefined, outputs.images)
        return score

    def _say_undefined(self, undefined, images):
        """A warning while training; an evaluation alone has come to nothing."""
        said = (
            f"evaluation: the model's outputs are not finite (NaN or infinite) for {undefined} of {images} images: "
            f"every value is undefined"
        )
        if self._engine.mode == "eval":
            weights = self._engine.config["Global"].get("pretrained_model")
            raise ConfigError(f"{said}; the weights {weights} are those of a training that has diverged")
        _log.warning("%s, and this epoch is never the best", said)

    def _say_left_out(self, found):
        """Say once which values the host's line lacks."""
        undefined = [name for name, value in found.items() if math.isnan(value) and name not in self._said]
        self._said.update(undefined)
        if undefined:
            why = "the evaluation set has no image for them"
            _log.info("undefined, and left out of the lines: %s (%s)", ", ".join(undefined), why)

    def _later_of_equals(self, score):
        """A score just above the best so far where it equals it: the host keeps the first of equals.

        With few evaluation images many epochs are equal, and the later has trained for longer.
        """
        if self._run is None or self._engine.config["Global"].get("best_metric") is None:
            return score
        best = self._run.best.get("best_model_ema" if self._engine.uses_average else "best_model", math.nan)
        return math.nextafter(best, math.inf) if math.isclose(score, best, rel_tol=1e-12, abs_tol=1e-12) else score

    def _keep(self, epoch, found, losses, score, recorder):
        engine = self._engine
        folder, files = engine.log_folder, run_files.FILES[engine.mode]
        if self._history is None:
            resume = engine.mode == "train" and engine.config["Global"].get("checkpoints") is not None
            self._history = history.History(folder / files.history, resume=resume)
        self._history.append(
            {
                "epoch": epoch,
                "ema": engine.uses_average,
                "seconds": None if self._run is None else self._run.seconds,
                "steps": None if self._run is None else self._run.steps,
                "images": None if self._run is None else self._run.images,
                "best_metric": engine.config["Global"].get("best_metric"),
                "score": evaluated.number(score),
                "values": found,
                "loss": losses,
                "classifier": None if recorder.class_num is None else self._classifier(recorder.class_num),
                "per_class": {
                    name: (array.round(6) if array.dtype.kind == "f" else array).tolist()
                    for name, array in evaluated.per_class(engine).items()
                },
            }
        )
        predictions = None if engine.uses_average else recorder.result(epoch)
        if predictions is not None:
            run_files.write_predictions(folder / files.predictions, predictions)

    def _classifier(self, class_num):
        return recording.classifier_norms(self._engine.model, class_num, self._engine.config["Arch"].get("name"))
