"""Known keys: what a configuration may hold, by PaddleClas's signatures and reads and by this package's own.

A key that nearly is a known one, or is known elsewhere, is an error, since PaddleClas would drop
it and train with what it was to change as it was; so is one that PaddleClas would fail on. A key that
merely looks unused is told once, in the log.
"""

import logging

from ...basis import checks, spelling
from ...basis.checks import ConfigError
from .nodes import Items, Node, nodes
from .sections import Tree

# Keys that PaddleClas's own files carry, or PaddleX writes, though nothing reads them there: their last two parts.
_CARRIED = ("DataLoader.Infer", "Global.infer_imgs", "SSL.tempture", "loader.shuffle")
# Sections whose keys are looked for where they are unknown, the likeliest first.
_PLACES = (
    "",
    "Global",
    "Optimizer",
    "Optimizer.lr",
    "Optimizer.regularizer",
    "DataLoader.Train.loader",
    "DataLoader.Train.sampler",
    "DataLoader.Train.dataset",
    "DataLoader.Train",
    "Infer",
    "Arch",
    "AMP",
    "EMA",
    "Loss",
)
_EVERYWHERE = ("name",)
# Known, but refused wherever they are given: nothing to suggest.
_REFUSED = ("pretrained_list",)
_REMEDY = "; --allow-new, or `Global.allow_new: True`, takes it as it is"
_log = logging.getLogger("ppcls.lt")


def check(configs, mode):
    """Raise on keys that cannot be meant, and log those that nothing reads.

    Args:
        configs (sequence of dict): the configurations of all stages.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``; what it does not build may be unknown here.

    Raises:
        ConfigError: the first mistake, with the nearest name or the right place, and where the others are.
    """
    unused = {}
    for config in configs:
        errors, unread = findings(config, mode)
        if errors:
            message, *others = errors
            raise ConfigError(message + "".join(f"; also {other}" for other in others[:4]))
        unused.update(dict.fromkeys(unread))
    if unused:
        _log.warning("keys of the configuration that nothing reads: %s", ", ".join(unused))


def findings(config, mode):
    """Return ``(messages of errors, paths of keys that nothing reads)`` of one configuration."""
    allow_new = _allows_new(config)
    errors, unread = [], []
    top = Tree(config, mode).root()
    places = _places(top)
    for node in nodes(top):
        if node.complaint is not None:
            errors.append(node.complaint)
        if isinstance(node, Items) or node.known is None:
            continue
        for key in node.value:
            if key in node.known:
                continue
            message = None
            if node.rejects or not (allow_new or _is_carried(node, key)):
                message = _mistake(node, key, places)
            if message is None:
                unread.append(node.join(key))
            else:
                errors.append(message)
        for key in node.required:
            if key not in node.value:
                errors.append(f"{node.where}: `{key}` must be given, got nothing")
    return errors, unread


def check_overrides(config, new):
    """Raise on an ``-o`` that names what neither the configuration nor the known keys have.

    Args:
        config (dict): the configuration with all overrides.
        new (list): ``(path, value)`` of those that were not there before, a path being a tuple of keys.

    Raises:
        ConfigError: the first such path, with the nearest known name.
    """
    if new and not _allows_new(config):
        top = Tree(config, "train").root()
        for path, _ in new:
            _check_path(top, path)


def _check_path(top, path):
    node = top
    for part in path:
        if isinstance(node, Items):
            node = node.below(int(part))
        else:
            if node.known is not None and part not in node.known:
                if not node.rejects and _is_carried(node, part):
                    return
                there = [str(key) for key in node.value if key != part]
                if node.entry and there:  # a second key is nothing that can be taken
                    mistake = f"{node.where}: unknown {node.noun} {part!r}, the entry there is {', '.join(there)}"
                    raise ConfigError(f"-o {'.'.join(path)}: {mistake}")
                mistake = _mistake(node, part, _places(top)) or _unknown(node, part, node.known) + _REMEDY
                raise ConfigError(f"-o {'.'.join(path)}: {mistake}")
            node = node.below(part)
        if node is None:
            return


def _is_carried(node, key):
    return ".".join(node.join(key).split(".")[-2:]) in _CARRIED


def _allows_new(config):
    settings = config.get("Global")
    return isinstance(settings, dict) and checks.flag("Global", "allow_new", settings.get("allow_new", False))


def _mistake(node, key, places):
    """What is wrong with an unknown key, or None where it merely is unused."""
    remedy = "" if node.rejects else _REMEDY
    near = spelling.nearest(key, node.known)
    if near is not None:
        return f"{node.where}: unknown {node.noun} {key!r} (did you mean {near!r}?){remedy}"
    if key in places and not (places[key].startswith("Infer.") and node.path.startswith("DataLoader.")):
        return f"{node.where}: unknown {node.noun} {key!r} (its place is `{places[key]}`){remedy}"
    return _unknown(node, key, node.known) if node.rejects else None


def _unknown(node, key, options):
    options = [option for option in options if option not in _REFUSED]
    return f"{node.where}: unknown {node.noun} {key!r}{checks.nearest_or_all(key, options)}"


def _places(top):
    """Known keys of sections -> the path at which each belongs."""
    places = {}
    for path in _PLACES:
        node = top
        for part in path.split(".") if path else ():
            node = node.below(part) if isinstance(node, Node) else None
        if isinstance(node, Node) and node.known is not None:
            for key in node.known:
                if key not in _EVERYWHERE:
                    places.setdefault(key, node.join(key))
    return places
