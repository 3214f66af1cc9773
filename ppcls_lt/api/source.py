"""What a training or a comparison starts from, images or a configuration, made one YAML file in a folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from ..basis import atomic, checks, yaml_files
from ..basis.findings import ConfigError
from ..commands import lists as lists_command
from . import keywords

Data = Union[str, "os.PathLike[str]", Mapping[str, Any]]
CONFIG = "train.yaml"
_OUTPUT, _NAMES = "output", "names.txt"
_ENDINGS = (".yaml", ".yml")
# Keywords that are entries of a configuration; of images `ppcls-lt lists` is given some of them.
_PLACES = {
    "arch": "Arch.name",
    "epochs": "Global.epochs",
    "pretrained": "Arch.pretrained",
    "batch_size": "DataLoader.Train.sampler.batch_size",
    "learning_rate": "Optimizer.lr.learning_rate",
    "recipe": "Global.recipe",
    "seed": "Global.seed",
}
_OF_LISTS = ("arch", "epochs", "pretrained", "image_size")


@dataclass(frozen=True)
class Source:
    """What keywords say, read and not yet written.

    Attributes:
        path (Path): where the YAML goes.
        config (dict): its content.
        files (dict): path -> bytes of everything that is to be written, the YAML included.
        lists (dict): ``train``, ``val``, ``test`` -> path of a label list, of those that are known.
        told (list of str): what was found, a line each.
        stale (list of str): lists of an earlier call, which there are none of now.
    """

    path: Path
    config: dict
    files: Mapping[str, bytes]
    lists: Mapping[str, Path]
    told: Sequence[str]
    stale: Sequence[str] = ()

    @property
    def output(self) -> Path:
        """The folder of the training."""
        return Path(self.config["Global"]["output_dir"])

    @contextlib.contextmanager
    def written(self, owner: str, goes_on: bool = False, overwrite: bool = False) -> Iterator[None]:
        """Write the files; where what follows meets a mistake of the user's, they are taken back.

        What was there before is there again. What is new stays where something has been written beside it.

        A YAML of an earlier call that nobody has changed is replaced. Other files that are there must hold what would
        be written, or are replaced, and lists that are stale removed, where ``overwrite`` says so.

        Args:
            owner (str): the function, for messages.
            goes_on (bool): a training in the folder goes on, so that its lists cannot be replaced.
            overwrite (bool): see above.

        Raises:
            ConfigError: a file is there, or cannot be written.
        """
        folder = self.path.parent
        if folder.exists() and not folder.is_dir():
            checks.fail(owner, "out", "a folder", str(folder))
        for name, content in self.files.items():
            self._check_place(Path(name), content, owner, goes_on, overwrite)
        for name in self.stale:
            self._check_place(Path(name), None, owner, goes_on, overwrite)
        names = (*self.files, *self.stale)
        before = {Path(name): Path(name).read_bytes() if os.path.isfile(name) else None for name in names}
        made = [place for place in (folder, *folder.parents) if not place.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            atomic.write_all(self.files)
            for name in self.stale:  # their images may train now
                os.remove(name)
        except OSError as error:
            got = checks.described(f"{error.filename or folder}: {error.strerror}")
            checks.fail(owner, "out", "a folder that can be written", got)
        try:
            yield
        except ConfigError:
            self._take_back(before, made)
            raise

    def _says_the_same(self, path):
        """Whether a YAML has this configuration, whatever else is written there."""
        with contextlib.suppress(ConfigError):
            return yaml_files.read_map(path, "configuration", "data") == self.config
        return False

    def _take_back(self, before, made):
        """Leave a folder as it was before the call: its files, and no folder that is new and empty."""
        for path, content in before.items():
            if content is not None:
                atomic.write(path, content)
            elif not self.output.exists():  # of a training that has begun it tells how
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something is in one
            for folder in made:
                folder.rmdir()

    def _check_place(self, path, content, owner, goes_on, overwrite):
        """Whether a file may be written where it is to go."""
        from ..runs import files

        if not os.path.lexists(path):
            return
        if path.is_file() and path == self.path and (files.is_as_made(path) or self._says_the_same(path)):
            return
        if path.is_file() and path.read_bytes() == content:
            return
        if goes_on:
            got = checks.described(f"{path}, of which these images and keywords would make another")
            checks.fail(owner, "resume", "used with the data that the training began with", got)
        if not overwrite or not path.is_file():
            got = checks.described(f"{path}, which holds something else")
            checks.fail(owner, "out", "a new folder, or given with overwrite=True", got)


def read(
    owner: str,
    data: Data,
    out: str | os.PathLike[str],
    *,
    image_size: int | None = None,
    classes: Any = None,
    lists: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    tested: bool = False,
    **entries: Any,
) -> Source:
    """Read what a function is given as ``ppcls-lt lists`` and ``-o`` do.

    Args:
        owner (str): the function, for messages.
        data, out, image_size, classes, lists, options: see ``train``.
        tested (bool): the configuration that is made of images evaluates on their test list, if they have one.
        **entries: those of ``_PLACES``; None leaves what the configuration says.

    Raises:
        ConfigError: what is wrong.
    """
    from .. import host
    from ..configuration import plain, reading, replaced, starting
    from ..runs import files

    folder = _folder(owner, out)
    if not isinstance(data, (str, os.PathLike, Mapping)):
        checks.fail(owner, "data", "a folder or CSV file of images, or a configuration: a YAML file or a map", data)
    _check_kinds(owner, image_size=image_size, **entries)
    given = dict(entries)
    made, contents, found = None, {}, {}
    is_config = is_configuration(data)
    if is_config:
        for name, value in (("lists", lists), ("classes", classes)):
            if value is not None:
                checks.fail(owner, name, "left out where `data` is a configuration", value)
        by = "a map" if isinstance(data, Mapping) else str(data)
    else:
        arguments, contents = _asked(owner, data, folder, image_size, classes, lists, given)
        made = _made(arguments, contents)
        contents.update(made.lists.values())
        found = {part: Path(path) for part, (path, _) in made.lists.items() if part != "label"}
        if tested and "test" in found:
            made.config["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = os.fspath(found["test"])
        for name in _OF_LISTS:
            given.pop(name, None)
        by = arguments.command_line
    changes = {_PLACES[name]: value for name, value in given.items() if value is not None}
    if made is None:
        changes["Global.output_dir"] = os.path.join(folder, _OUTPUT)
    changed = [*keywords.overrides(changes, owner), *keywords.overrides(options, owner)]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, CONFIG)
        if made is not None or isinstance(data, Mapping):
            path.write_text(files.config_text(plain.plain(data if made is None else made.config)), encoding="utf-8")
        else:
            path = reading.find(data)
        config = plain.plain(host.load_config(path, changed))
        asked = given.get("recipe")
        taken = None if asked is None else replaced.named_before(asked, path, by="recipe")
    if is_config and image_size is not None:
        config = starting.resized(config, image_size)
    made_by = by + "".join(f"\nwith {each}" for each in changed)
    told = [*([] if made is None else made.told), *([] if taken is None else [taken])]
    yaml = Path(folder, CONFIG)
    contents[str(yaml)] = files.made_text(config, made_by).encode()
    return Source(yaml, config, contents, found or _listed(config), told, [] if made is None else made.stale)


def is_configuration(data: Data) -> bool:
    """Whether it is a configuration, a map or the path of a YAML file, and not images."""
    return isinstance(data, Mapping) or str(data).lower().endswith(_ENDINGS)


def _folder(owner, out):
    if not isinstance(out, (str, os.PathLike)) or not os.fspath(out):
        checks.fail(owner, "out", "a folder to write into", out)
    return os.path.normpath(os.fspath(out))


def _check_kinds(owner, *, pretrained=None, learning_rate=None, arch=None, recipe=None, seed=None, **whole):
    for name, value in whole.items():
        if value is not None:
            checks.integer(owner, name, value, minimum=1)
    if seed is not None:
        checks.integer(owner, "seed", seed, minimum=0)
    if learning_rate is not None:
        checks.number(owner, "learning_rate", learning_rate, above=0)
    if arch is not None and not isinstance(arch, (str, os.PathLike)):
        checks.fail(owner, "arch", "a name or a path", arch)
    if recipe is not None:
        keywords.recipe(owner, "recipe", recipe)
    if pretrained is not None and not isinstance(pretrained, (bool, str, os.PathLike)):
        checks.fail(owner, "pretrained", "true, false or the path of weights", pretrained)


def _asked(owner, data, folder, image_size, classes, lists, given):
    """The command line of ``ppcls-lt lists``, parsed, and the files that it is to find."""
    if not isinstance(lists or {}, Mapping):
        checks.fail(owner, "lists", 'a map such as {"val_fraction": 0.2}, flags of `ppcls-lt lists`', lists)
    asked = {"image_size": image_size, **{name: given.get(name) for name in _OF_LISTS if name in given}}
    if asked.get("pretrained") is True:
        asked["pretrained"] = "true"
    contents = {}
    if isinstance(classes, (str, os.PathLike)):
        asked["names"] = classes
    elif classes is not None:
        asked["names"] = os.path.join(folder, _NAMES)
        contents[asked["names"]] = _names(owner, classes)
    for name in lists or {}:
        if not isinstance(name, str) or name in asked or name in ("out", "force"):
            checks.fail(owner, "lists", f"without what is a keyword of {owner}", name)
    source = os.path.join(".", data) if os.fspath(data).startswith("-") else os.fspath(data)  # no flag
    argv = keywords.flags({**asked, **(lists or {}), "out": folder, "force": True}, owner)
    return keywords.parsed("lists", [source, *argv]), contents


def _made(arguments, contents):
    """What ``ppcls-lt lists`` makes, the file of names read before it is written to its place."""
    if arguments.names not in contents:
        return lists_command.make(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, _NAMES)
        path.write_bytes(contents[arguments.names])
        arguments.names = str(path)
        try:
            return lists_command.make(arguments)
        except ConfigError as error:
            # What the caller gave, not the file that is made of it.
            written = (f"{str(path)!r} (str)", str(path))
            raise ConfigError(*(_without(each, written) for each in error.findings)) from None


def _without(finding, written):
    for each in written:
        got, text = (part.replace(each, "the names that are given") for part in (finding.got, finding.text))
        finding = finding._replace(got=got, text=text)
    return finding


def _names(owner, classes):
    """The file of the names that are given as a list, or as a map from classes."""
    if isinstance(classes, Mapping):
        names = [classes.get(label) for label in range(len(classes))]
    else:
        names = list(classes) if isinstance(classes, (list, tuple)) else []
    if not names or not all(isinstance(name, str) and name for name in names):
        checks.fail(owner, "classes", "the names of the classes 0, 1, ..., or a file of lines `class name`", classes)
    return "".join(f"{label} {name}\n" for label, name in enumerate(names)).encode()


def _listed(config):
    """The lists that a configuration names."""
    from ..configuration import held_out

    judged = "val" if held_out.judges(config) else "test"
    found = {}
    for name, part in (("train", "Train"), (judged, "Eval")):
        dataset = ((config.get("DataLoader") or {}).get(part) or {}).get("dataset") or {}
        if isinstance(dataset, dict) and dataset.get("cls_label_path") is not None:
            found[name] = Path(str(dataset["cls_label_path"]))
    return found
