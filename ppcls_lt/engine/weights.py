"""What a model's weights come from, whether they are there, and whether they fill the model."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import paddle.distributed as dist
from paddle import nn

from ..basis import checks
from ..basis.findings import ConfigError, Finding, of
from ..configuration import model_record
from ..configuration import reading as configuration
from ..maths import adapted
from ..maths.classifier import find_classifier
from ..runs import checkpoints
from . import weight_files

if TYPE_CHECKING:
    from .run import Run

_ENDING = checkpoints.WEIGHTS
_SETTERS = ("set_state_dict", "set_dict", "load_dict")  # one function under three names
_SHOWN = 4
_log = logging.getLogger("ppcls.lt")


def settle(config: dict) -> None:
    """Take the ending off the paths of weights that a configuration names, which :func:`findings` has looked at.

    Args:
        config (dict): the host's configuration; its paths are changed.
    """
    config["Global"].setdefault("pretrained_model", None)  # the host does not ask whether it is there
    for _, holder, key in _named(config):
        holder[key] = holder[key].removesuffix(_ENDING)


def findings(config: dict, mode: str) -> Iterator[Finding]:
    """Yield what is wrong with the weights that a configuration names.

    A path is none of weights, or there is nothing but an untrained model to evaluate, predict with or export.

    Args:
        config (dict): the host's configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
    """
    section = config["Global"]
    untrained = section.get("untrained", False)
    yield from of(checks.flag, "Global", "untrained", untrained)
    if mode == "train" and section.get("run") is not None:
        got = checks.described(f"{section['run']!r}; `-c` with the config.yaml of a run trains the same again")
        yield checks.finding("Global", "run", "be left out of a training", got)
    for owner, holder, key in [("Global", section, "pretrained_model"), *in_arch(config["Arch"])]:
        path = holder.get(key)
        if path is None or (owner != "Global" and isinstance(path, bool)):
            continue
        if not isinstance(path, str) or not path:
            yield checks.finding(owner, key, "be the path of a checkpoint without its ending, or a URL", path)
    for owner, holder, key in _named(config):
        yield from of(weight_files.check_existing, owner, key, holder[key])
        if mode == "train":
            yield from of(model_record.check_start, owner, key, holder[key])
    if config["Arch"].get("pretrained_list"):
        must = "be left out: PaddleClas cannot read it; write `pretrained` in each of `Arch.models`"
        yield checks.finding("Arch", "pretrained_list", must, config["Arch"]["pretrained_list"])
    begins_there = any(holder.get(key) for _, holder, key in in_arch(config["Arch"]))
    if mode == "train" or untrained or begins_there or section.get("pretrained_model") is not None:
        return
    unused = section.get("checkpoints")
    got = "none" + (f" (`checkpoints` is read in a training alone, it is {unused})" if unused else "")
    remedy = (
        f"give `-o Global.pretrained_model=PATH`, or `--run FOLDER` (`Global.run`) of a training; `--untrained` "
        f"(`Global.untrained`) to {mode} the model as it is initialised"
    )
    yield checks.finding("Global", "pretrained_model", f"name the weights to {mode}", checks.described(got), remedy)


def _named(config):
    """Yield ``(section's name, section, key)`` of every path of weights on this machine."""
    for owner, holder, key in [("Global", config["Global"], "pretrained_model"), *in_arch(config["Arch"])]:
        path = holder.get(key)
        if isinstance(path, str) and path and not path.startswith(("http://", "https://")):
            yield owner, holder, key


def in_arch(arch: Any, owner: str = "Arch") -> Iterator[tuple[str, dict, str]]:
    """Yield ``(section's name, section, key)`` of every ``pretrained`` in an ``Arch``, however deep."""
    if isinstance(arch, dict):
        if "pretrained" in arch:
            yield owner, arch, "pretrained"
        for key, value in arch.items():
            yield from in_arch(value, f"{owner}.{key}")
    elif isinstance(arch, list):
        for index, value in enumerate(arch):
            yield from in_arch(value, f"{owner}[{index}]")


class Load(NamedTuple):
    """What one layer took of one file, by the layer's keys."""

    layer: nn.Layer
    taken: list
    misfits: dict  # key -> (shape in the file, shape in the layer)
    absent: list
    unused: list  # keys of the file
    fits: bool  # whether a matrix or kernel was taken: biases of equal length fit by chance


class Loading:
    """Follows every layer that is given a state, whoever reads the file: the Engine or an architecture."""

    def __init__(self) -> None:
        self.loads: list[Load] = []

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Within the context, what layers take is written down; Paddle's line for each key that does not fit is not."""
        originals = {name: getattr(nn.Layer, name) for name in _SETTERS}

        def set_state_dict(layer, state_dict, *args, **kwargs):
            if not isinstance(state_dict, Mapping):
                got = checks.described(
                    f"a file with a {type(state_dict).__name__}; a .pdopt is the optimizer's, not it"
                )
                checks.fail("Global", "pretrained_model", "weights, a map from names to tensors", got)
            self.loads.append(_compared(layer, state_dict))
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Skip loading for")
                return originals["set_state_dict"](layer, state_dict, *args, **kwargs)

        for name in _SETTERS:
            setattr(nn.Layer, name, set_state_dict)
        try:
            yield
        finally:
            for name, original in originals.items():
                setattr(nn.Layer, name, original)

    def check_resumed(self, run: Run) -> None:
        """:meth:`check` after a run's model has been given a checkpoint.

        Raises:
            ConfigError: the checkpoint does not fill the model.
        """
        source = run.config["Global"]["checkpoints"]
        self.check(run.model, run.config, "resume", source=source, hidden=run.hidden_keys)

    def check(
        self, model: nn.Layer, config: dict, mode: str, *, source: str | None = None, hidden: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Say what was loaded; raise where the model is not what its weights were to make it.

        Args:
            model (nn.Layer): the model, without its ``DataParallel``.
            config (dict): the host's configuration.
            mode (str): ``train``, ``eval``, ``infer`` or ``export``; ``resume``
                for a training that goes on.
            source (str, optional): what was loaded last; by default ``Global.pretrained_model``.
            hidden (sequence of str): keys of the model that no file holds.

        Returns:
            The keys that no file held -> the shapes in file and model of one of another size, or None.

        Raises:
            ConfigError: nothing fits, or, but for the start of a training, a
                parameter or buffer is missing. ``Global.untrained`` allows both.
        """
        arch = config["Arch"].get("name", type(model).__name__)
        untrained = config["Global"].get("untrained", False)
        hidden = {*hidden, *adapted.absent(model, mode == "train", bool(config["Global"].get("checkpoints")))}
        own = [key for key in model.state_dict() if key not in hidden]
        prefixes = {id(layer): f"{name}." if name else "" for name, layer in model.named_sublayers(include_self=True)}
        parts = [load for load in self.loads if id(load.layer) in prefixes and load.layer.state_dict()]
        parts = [
            load._replace(absent=[key for key in load.absent if prefixes[id(load.layer)] + key not in hidden])
            for load in parts
        ]
        named = source or config["Global"].get("pretrained_model")
        misfits: dict[str, Any]
        missing, misfits = dict.fromkeys(own), {}
        classifier = _classifier(model, config)
        begins = mode == "train" and not config["Global"].get("checkpoints") and dist.get_rank() == 0
        for index, load in enumerate(parts):
            prefix = prefixes[id(load.layer)]
            last = named is not None and index == len(parts) - 1
            where = named if last else f"Arch.pretrained of {arch if not prefix else prefix[:-1]}"
            for key in load.taken:
                missing.pop(prefix + key, None)
                misfits.pop(prefix + key, None)
            misfits.update({prefix + key: shapes for key, shapes in load.misfits.items() if prefix + key in missing})
            self._tell(load, where, untrained or mode in ("train", "resume"), classifier, prefix)
            if not load.fits and not untrained:
                raise ConfigError(
                    f"{_owner(source, last)} must be weights of this model, got {where}, of whose "
                    f"{len(load.taken) + len(load.unused)} keys no matrix or kernel fits {arch}: another architecture? "
                    f"({_examples(load)})"
                )
            path = named if last else config["Arch"].get("pretrained")
            if begins and isinstance(path, str) and f"{classifier}.weight" in {prefix + key for key in load.taken}:
                model_record.warn_of_start(config, path)
        left = {key: misfits.get(key) for key in missing}
        if mode == "train" or not missing:
            return left
        if untrained and mode != "resume":
            _log.warning("%s: %d of %d keys of %s stay as initialised", mode, len(missing), len(own), arch)
            return left
        shown = [f"{key}{_shapes(misfits.get(key))}" for key in list(missing)[:_SHOWN]]
        raise ConfigError(
            f"{_owner(source, named is not None)} must hold every parameter and buffer of {arch}, got "
            f"{named or 'Arch.pretrained'}: {len(missing)} of {len(own)} are missing or of another shape: "
            f"{', '.join(shown)}{', ...' if len(missing) > _SHOWN else ''}"
        )

    @staticmethod
    def _tell(load: Load, where: str, partly: bool, classifier: str | None, prefix: str) -> None:
        """One line on one load; a warning where a part of a model that is to be used stays untrained."""
        if dist.get_rank() != 0:
            return
        total = len(load.taken) + len(load.misfits) + len(load.absent)
        text = (
            f"weights of {where}: {len(load.taken)} of {total} keys loaded, {len(load.misfits) + len(load.absent)} "
            f"missing, {len(load.unused)} of the file left out"
        )
        if load.misfits:
            shown = [f"{key}{_shapes(shapes)}" for key, shapes in list(load.misfits.items())[:_SHOWN]]
            of_classifier = any((prefix + key).rpartition(".")[0] == classifier for key in load.misfits)
            text += f"; of another size and left as initialised: {', '.join(shown)}"
            text += f"; {classifier} is the classifier" if of_classifier else ""
        complete = len(load.taken) == total
        _log.log(logging.WARNING if partly and not complete else logging.INFO, "%s", text)


def _compared(layer, state):
    """Compare a state with a layer's own, as Paddle does on loading."""
    taken, misfits, absent = [], {}, []
    own = layer.state_dict()
    for key, tensor in own.items():
        given = state.get(key)
        if given is None:
            absent.append(key)
        elif list(given.shape) == list(tensor.shape):
            taken.append(key)
        else:
            misfits[key] = (list(given.shape), list(tensor.shape))
    used = set(taken)
    fits = [any(own[key].ndim > 1 for key in keys) for keys in (taken, own)]
    return Load(layer, taken, misfits, absent, [key for key in state if key not in used], fits[0] >= fits[1])


def _classifier(model, config):
    """The name of the model's last Linear, or None where there is none of that size."""
    try:
        arch = config["Arch"].get("name", type(model).__name__)
        return find_classifier(model, configuration.class_number(config), arch)[0]
    except ConfigError:
        return None


def _owner(source, of_global):
    if source is not None:
        return "Global: `checkpoints`"
    return "Global: `pretrained_model`" if of_global else "Arch: `pretrained`"


def _shapes(shapes):
    return "" if shapes is None else f" ({shapes[0]} in the file, {shapes[1]} in the model)"


def _examples(load):
    return f"{next(iter(load.unused), 'nothing')} in the file, {next(iter(load.absent or load.misfits))} in the model"
