"""Known keys: what a configuration may hold, by PaddleClas's signatures and reads and by this package's own.

A key that nearly is a known one, or is known elsewhere, is an error, since PaddleClas would drop
it and train with what it was to change as it was; so is one that PaddleClas would fail on. A key that
merely looks unused is told once, in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from ...basis import checks, spelling
from ...basis.findings import Finding, raise_all
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
_REMEDY = "`-o Global.allow_new=True` takes it as it is"
_log = logging.getLogger("ppcls.lt")


def tell_unread(configs: Iterable[dict], mode: str) -> None:
    """Say in the log, once, which keys of the configurations of all stages nothing reads."""
    unread = dict.fromkeys(key for config in configs for key in looked_over(config, mode)[1])
    if unread:
        _log.warning("keys of the configuration that nothing reads: %s", ", ".join(unread))


def findings(config: dict, mode: str) -> Iterator[Finding]:
    """Yield the ``Finding`` of every key that cannot be meant, with the nearest name or the right place.

    Args:
        config (dict): the configuration of one stage.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``; what it does not build may be unknown here.
    """
    yield from looked_over(config, mode)[0]


def looked_over(config: dict, mode: str) -> tuple[list[Finding], list[str]]:
    """Return ``(findings, paths of keys that nothing reads)`` of one configuration.

    Raises:
        ConfigError: ``Global.allow_new`` is not true or false.
    """
    allow_new = _allows_new(config)
    found, unread = [], []
    top = Tree(config, mode).root()
    places = _places(top)
    for node in nodes(top):
        if node.complaint is not None:
            found.append(node.complaint)
        if isinstance(node, Items) or node.known is None:
            continue
        for key in node.value:
            if key in node.known:
                continue
            mistake = None
            if node.rejects or not (allow_new or _is_carried(node, key)):
                mistake = _mistake(node, key, places)
            if mistake is None:
                unread.append(node.join(key))
            else:
                found.append(mistake)
        for key in node.required:
            if key not in node.value:
                missing = checks.finding(node.where, key, "be given", checks.described("nothing"))
                found.append(missing._replace(path=node.join(key)))
    return found, unread


def check_overrides(config: dict, new: list) -> None:
    """Raise on an ``-o`` that names what neither the configuration nor the known keys have.

    Args:
        config (dict): the configuration with all overrides.
        new (list): ``(path, value)`` of those that were not there before, a path being a tuple of keys.

    Raises:
        ConfigError: every such path, with the nearest known name.
    """
    if new and not _allows_new(config):
        top = Tree(config, "train").root()
        raise_all(mistake for path, _ in new for mistake in _path(top, path))


def _path(top, path):
    """What is wrong with the path of an override."""
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
                    mistake = checks.unknown(node.where, node.noun, part, f", the entry there is {', '.join(there)}")
                else:
                    mistake = _mistake(node, part, _places(top)) or _unknown(node, part, _REMEDY)
                yield mistake._replace(path=".".join(path), text=f"-o {'.'.join(path)}: {mistake.text}")
                return
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
        found = checks.unknown(node.where, node.noun, key, f" (did you mean {near!r}?)", remedy)
        return found._replace(path=node.join(key), meant=node.join(near))
    if key in places and not (places[key].startswith("Infer.") and node.path.startswith("DataLoader.")):
        found = checks.unknown(node.where, node.noun, key, f" (its place is `{places[key]}`)", remedy)
        return found._replace(path=node.join(key), meant=places[key])
    return _unknown(node, key) if node.rejects else None


def _unknown(node, key, remedy=""):
    options = [option for option in node.known if option not in _REFUSED]
    found = checks.unknown(node.where, node.noun, key, checks.nearest_or_all(key, options), remedy)
    return found._replace(path=node.join(key))


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
