"""``Arch.lora`` and ``Arch.adaptformer``: small layers that are trained in the place of the whole transformer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..basis import checks
from ..basis.findings import Finding, of
from ..basis.patterns import check as check_pattern
from ..runs import checkpoints

LORA, ADAPTFORMER = "lora", "adaptformer"
KINDS = (LORA, ADAPTFORMER)
AUTO, LEARNABLE = "auto", "learnable_scalar"
_NORMS = ("none", "in", "out")
RECORD = "adapters"  # in a manifest: see `maths.adapted`


class LoRA(NamedTuple):
    """What ``Arch.lora`` says."""

    r: int | str = 4
    lora_alpha: float = 1.0
    lora_dropout: float = 0.0
    target_modules: Sequence[str] | None = None
    modules_to_save: Sequence[str] = ()


class AdaptFormer(NamedTuple):
    """What ``Arch.adaptformer`` says."""

    ffn_num: int | str = 64
    ffn_adapter_scalar: float | str = 0.1
    ffn_adapter_layernorm_option: str = "none"
    dropout: float = 0.1
    modules_to_save: Sequence[str] = ()


_TYPES: dict[str, Any] = {LORA: LoRA, ADAPTFORMER: AdaptFormer}


def keys(kind: str) -> tuple[str, ...]:
    """The keys of ``Arch.lora`` or ``Arch.adaptformer``."""
    return _TYPES[kind]._fields


def asked(arch: dict) -> list[str]:
    """Which of the two a section ``Arch`` asks for."""
    return [kind for kind in KINDS if arch.get(kind) not in (None, False)]


def read(arch: dict, kind: str) -> Any:
    """Return the :class:`LoRA` or :class:`AdaptFormer` of a section ``Arch``, None where it has none.

    Raises:
        ConfigError: a value is not what it must be.
    """
    given = arch.get(kind)
    if given in (None, False):
        return None
    owner = f"Arch.{kind}"
    if not isinstance(given, dict):
        checks.fail("Arch", kind, "a map of parameters, {} for those of the authors", given)
    for key in given:
        checks.known_name(owner, "key", key, keys(kind), key)
    # A key that says null is left out.
    found = _TYPES[kind](**{key: value for key, value in given.items() if value is not None})
    return found._replace(**(_lora if kind == LORA else _adaptformer)(owner, found))


def _lora(owner, found):
    patterns = found.target_modules
    return {
        "r": _width(owner, "r", found.r),
        "lora_alpha": checks.number(owner, "lora_alpha", found.lora_alpha, above=0),
        "lora_dropout": checks.number(owner, "lora_dropout", found.lora_dropout, minimum=0, below=1),
        "target_modules": None if patterns is None else _patterns(owner, "target_modules", patterns),
        "modules_to_save": _patterns(owner, "modules_to_save", found.modules_to_save),
    }


def _adaptformer(owner, found):
    scalar, norm = found.ffn_adapter_scalar, found.ffn_adapter_layernorm_option
    if isinstance(scalar, str):
        checks.choice(owner, "ffn_adapter_scalar", scalar, (LEARNABLE,))
    else:
        scalar = checks.number(owner, "ffn_adapter_scalar", scalar, above=0)
    return {
        "ffn_num": _width(owner, "ffn_num", found.ffn_num),
        "ffn_adapter_scalar": scalar,
        "ffn_adapter_layernorm_option": checks.choice(owner, "ffn_adapter_layernorm_option", norm, _NORMS),
        "dropout": checks.number(owner, "dropout", found.dropout, minimum=0, below=1),
        "modules_to_save": _patterns(owner, "modules_to_save", found.modules_to_save),
    }


def _width(owner, name, value):
    return value if value == AUTO else checks.integer(owner, name, value, minimum=1)


def _patterns(owner, name, patterns):
    if not isinstance(patterns, (list, tuple)):
        checks.fail(owner, name, "a list of names or regular expressions", patterns)
    for number, pattern in enumerate(patterns):
        check_pattern(owner, f"{name}[{number}]", pattern)
    return tuple(patterns)


def width(value: int | str, classes: int, blocks: int) -> int:
    """The rank or bottleneck, that of LIFT where it is ``auto``: the largest power of two up to C / 2L, at least 1.

    Args:
        value (int or str): as it was given.
        classes (int): C.
        blocks (int): L.
    """
    return 2 ** max(0, math.floor(math.log2(classes / (2 * blocks)))) if value == AUTO else int(value)


def findings(plan: Sequence[dict], mode: str) -> Iterator[Finding]:
    """Yield what is wrong with the adapters of the stages: values, what they go with, weights that there must be.

    Args:
        plan (list of dict): the configuration of every stage.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
    """
    before: list[str] = []
    for index, stage in enumerate(plan):
        arch = stage["Arch"]
        kinds = asked(arch)
        for kind in KINDS:
            yield from of(read, arch, kind)
        if kinds and "models" in arch:
            yield checks.finding("Arch", kinds[0], "be left out with several `models`", arch[kinds[0]])
        if recorded(arch.get("pretrained")) is not None:
            got = checks.described(
                f"{arch['pretrained']}, which holds adapters alone; `Global.pretrained_model` takes it"
            )
            yield checks.finding("Arch", "pretrained", "name whole weights", got)
        if mode == "train":
            yield from _training(stage, kinds, index == 0)
            if before and not kinds:
                got = checks.described(
                    f"none after a stage with {' and '.join(before)}, whose weights hold those alone"
                )
                yield checks.finding("Arch", before[0], "be there in the stages that follow", got)
        before = kinds


def _training(stage, kinds, first):
    section, precision = stage["Global"], stage.get("AMP") or {}
    if not kinds:
        return
    if precision.get("use_amp", True) and str(precision.get("level", "O1")).upper() == "O2":
        got = checks.described("O2, whose weights of 16 bits are not those that were pretrained")
        yield checks.finding("AMP", "level", f"be O1 with `Arch.{kinds[0]}`", got)
    if first and not any((stage["Arch"].get("pretrained"), section.get("pretrained_model"))):
        must = f"name pretrained weights, which `Arch.{kinds[0]}` is trained beside"
        remedy = "or `Arch.pretrained`: a path, or true for PaddleClas's download"
        yield checks.finding("Global", "pretrained_model", must, section.get("pretrained_model"), remedy)


def downloads(arch: dict) -> bool:
    """Whether a section ``Arch`` with adapters takes their pretrained weights by PaddleClas's download."""
    pretrained = arch.get("pretrained")
    return bool(asked(arch)) and (pretrained is True or is_url(pretrained))


def is_url(path: Any) -> bool:
    """Whether PaddleClas would download it."""
    return isinstance(path, str) and path.startswith(("http://", "https://"))


def recorded(path: Any) -> dict | None:
    """What the checkpoint at a path, with or without its ending, keeps of the weights that it lies beside, or None."""
    if not isinstance(path, str) or not path or is_url(path):
        return None
    return (checkpoints.manifest_of(path.removesuffix(checkpoints.WEIGHTS)) or {}).get(RECORD)
