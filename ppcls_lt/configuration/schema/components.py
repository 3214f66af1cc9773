"""The known keys of the components that a configuration names: their parameters, and what is below them."""

from __future__ import annotations

import inspect

from ...basis import checks, registry, spelling
from ...host import known_keys, read_keys
from .. import adapters
from ..options import GLOBAL_KEYS
from ..reading import CLASSIFIER_KEYS
from .nodes import Items, Node

# Keys that this package reads beside PaddleClas.
OURS: dict[tuple[str, ...], tuple[str, ...]] = {
    (): ("Callbacks", "Stages", "start_from"),
    ("Global",): tuple(GLOBAL_KEYS),
    ("AMP",): ("use_amp",),
    ("Arch",): (*CLASSIFIER_KEYS, *adapters.KINDS),
    **{("Arch", kind): adapters.keys(kind) for kind in adapters.KINDS},
}
_NOUNS = {
    "arch": "architecture",
    "dataset": "data set",
    "gear": "neck or head",
    "operator": "transform operator",
    "postprocess": "post-processing",
}
# What PaddleClas gives a component itself.
_SUPPLIED = {
    "schedule": ("epochs", "step_each_epoch"),
    "sampler": ("total_epochs",),
    "operator": ("class_num",),
    "optimizer": ("learning_rate", "grad_clip"),
}
# Of these a second value is an error; the others may be written down as well.
_NEVER_GIVEN = ("learning_rate", "grad_clip")


def reads(path: tuple[str, ...]) -> dict[str, bool]:
    """The keys that PaddleClas and this package read of a section: key -> whether PaddleClas takes it out."""
    return {**read_keys.reads().get(path, {}), **dict.fromkeys(OURS.get(path, ()), False)}


def _flag(where, name, path):
    """What stands below a parameter that is true or false: nothing; text, which Python takes for true, is wrong."""

    def make(value):
        if not isinstance(value, str):
            return None
        complaint = checks.finding(where, name, "be true or false", value)._replace(path=path)
        return Node(where, path, {}, None, complaint=complaint)

    return make


def _added(kind, name, given):
    """The parameters that this package adds to a component of PaddleClas's, none of which must be given."""
    further = registry.extension(kind, name)
    if further is None:
        return {}
    names = inspect.signature(further.component).parameters if further.is_asked_for(given) else further.parameters
    return dict.fromkeys(names, False)


class Components:
    """Makes the ``Node`` of a component: a map with `name`, or an entry of a list of one-key maps.

    Args:
        dali (bool): whether DALI reads the data, which has operators of its own.
    """

    def __init__(self, dali: bool = False) -> None:
        self._dali = dali

    def _component(self, kind, name, where, path, value, *, own=(), built=True, found=None, **below):
        """The ``Node`` of the parameters of a component.

        Args:
            kind (str): as of :func:`ppcls_lt.host.known_keys.components`, or ``sampler``.
            own (sequence of str): keys that PaddleClas takes out before it builds the component.
            built (bool): whether this mode builds it.
            found (dict, optional): what the name may be, where that is not the kind's.
            **below: what is below a parameter, by its name.
        """
        found = known_keys.components(kind) if found is None else found
        if not isinstance(name, str) or name not in found:
            options = [option for option in found if not option.startswith("build_")]  # the host's builders
            near = checks.nearest_or_all(name, options)
            # A name that is near no other may be that of a loss of the user's own.
            may_be_own = kind == "loss" and "did you mean" not in near
            remedy = "one of your own is known once its module is in `Global.plugins`" if may_be_own else ""
            complaint = checks.unknown(where, _NOUNS.get(kind, kind), name, near, remedy)
            # An entry of a list is called by its name; a map says it.
            complaint = complaint._replace(path=f"{path}.name" if where == path else path)
            meant = built or spelling.nearest(name, found) is not None
            return Node(where, path, value, None, complaint=complaint if meant else None)
        component, where = found[name], f"{where} {name}"
        if name == "OpSampler":
            return self._op_sampler(component, where, path, value, built)
        names, swallows = known_keys.parameters(component, value if isinstance(value, dict) else ())
        names = {**_added(kind, name, value), **names}
        if kind == "sampler":  # its first parameter is the data set
            names = dict(list(names.items())[1:])
        supplied = _SUPPLIED.get(kind, ())
        needed = [name for name, needed in names.items() if needed and name not in supplied] if built else []
        known = {
            name: self._under(name, f"{path}.{name}", component, built)
            for name in (*own, *names)
            if name in own or name not in supplied or name not in _NEVER_GIVEN
        }
        known.update({name: make for name, make in below.items() if name in known})
        if kind == "operator" and built:
            given = {name: f"{path}.{name}" for name in known_keys.flags(component) if name in known}
            known.update({name: _flag(where, name, at) for name, at in given.items()})
        return Node(where, path, value, known, noun="parameter", rejects=built and not swallows, required=tuple(needed))

    def _named(self, kind, path, value, *, own=(), built=True, optional=(), **below):
        """The ``Node`` of a map that names its component.

        Args:
            optional (sequence of str): the keys that are read where it has no name; without any it must have one.
        """
        name = value.get("name") if isinstance(value, dict) else None
        if name is None:
            keys = {**dict.fromkeys(("name", *own, *optional)), **below}
            required = ("name",) if built and not optional else ()
            return Node(path, path, value, keys, required=required)
        return self._component(kind, name, path, path, value, own=("name", *own), built=built, **below)

    def _entries(self, kind, path, value, *, own=(), built=True, found=None, below=lambda path: {}):
        """The ``Items`` of a list of one-key maps."""

        def entry(index, item):
            where, at = f"{path}[{index}]", f"{path}.{index}"
            single = isinstance(item, dict) and len(item) == 1
            got = checks.described(checks.shown(item))
            complaint = None if single else checks.finding(where, "", "be a map with one key, the name", got)
            name = next(iter(item)) if single else None

            def component(params):
                inner = f"{at}.{name}"
                return self._component(
                    kind, name, where, inner, params, own=own, built=built, found=found, **below(inner)
                )

            return Node(where, at, item, {name: component}, complaint=complaint if built else None, entry=True)

        return Items(path, value if built or isinstance(value, list) else None, entry)

    def _op_sampler(self, component, where, path, value, built):
        """The batch operators by name of which one is drawn for each batch."""
        found = known_keys.beside(component)

        def operator(name):
            inner = f"{path}.{name}"
            return lambda params: self._component(
                "operator", name, where, inner, params, own=("prob",), built=built, found=found
            )

        return Node(where, path, value, {name: operator(name) for name in found}, noun="operator", rejects=built)

    def _under(self, parameter, path, component, built):
        """What is below a parameter of a component, or None: lists of operators, attributes, further data sets."""
        if parameter.endswith("_attr"):
            return lambda value: self._attribute(path, value, built)
        if parameter == "transforms":
            found = known_keys.beside(component)
            return lambda value: self._entries("operator", path, value, built=built, found=found)
        if parameter.startswith("transform") or parameter == "batch_transform_ops":
            return lambda value: self._operators(path, value, built)
        if parameter == "datasets_config":
            return lambda value: Items(path, value, lambda index, item: self._dataset(f"{path}.{index}", item, built))
        return None

    def _attribute(self, path, value, built):
        """A ``ParamAttr`` as a map, of a neck or head."""
        keys = dict.fromkeys(reads(("*_attr",)))
        keys["initializer"] = lambda below: self._named("initializer", f"{path}.initializer", below, built=built)
        return Node(path, path, value, keys)

    def _dataset(self, path, value, built):
        return self._named("dataset", path, value, own=("batch_transform_ops",), built=built)

    def _operators(self, path, value, built):
        """A list of transform operators, each of which may hold further ones."""
        if self._dali:
            return None  # DALI has parameters of its own, and what it does not know it drops
        return self._entries("operator", path, value, built=built)
