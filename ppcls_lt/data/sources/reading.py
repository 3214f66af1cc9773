"""Reading a source, whatever it is: which of the layouts a folder has, or a table."""

from __future__ import annotations

import os
import shlex
from typing import Any

from ...basis import checks
from . import class_folders, json_files, listed, tables
from .images import Found

_OF_TABLES = ("image", "label", "part", "group")


def read(
    source: str | os.PathLike,
    owner: str,
    *,
    image_root: str | os.PathLike | None = None,
    names: str | os.PathLike | None = None,
    delimiter: str | None = None,
    columns: dict | None = None,
    skip_missing: bool = False,
) -> tuple[str, str, Found]:
    """Return what a source is in words, the root of its images, and its images.

    A file is a table. A folder with ``train.txt`` or ``train_list.txt`` is one of lists, one whose images have JSON
    files beside them is EasyDL's, and any other is one of class folders.

    Args:
        source (str): a folder or a CSV file.
        owner (str): who asks, for messages.
        image_root (str, optional): what the paths in lists and tables are relative to; by default the folder.
        names (str, optional): a file of names of the classes.
        delimiter (str, optional): of lists and tables.
        columns (dict, optional): of tables, see ``tables.read``.
        skip_missing (bool): leave out images of lists and tables that are not there.

    Raises:
        ConfigError: it cannot be read, is given what it has no use for, or has but one class.
    """
    found = _read(os.fspath(source), owner, image_root, names, delimiter, columns, skip_missing)
    _check_classes(os.fspath(source), found[2], owner)
    return found


def _read(source, owner, image_root, names, delimiter, columns, skip_missing):
    if not os.path.exists(source):
        checks.fail(owner, "SOURCE", "an existing folder or CSV file", checks.sought(source))
    columns = {role: name for role, name in (columns or {}).items() if name is not None}
    of_table = {f"--{role}-column": columns.get(role) for role in _OF_TABLES}
    of_text = {
        "--image-root": image_root,
        "--names": names,
        "--delimiter": delimiter,
        "--skip-missing": skip_missing or None,
    }
    shared: dict[str, Any] = {"names": names, "delimiter": delimiter, "skip_missing": skip_missing}
    if os.path.isfile(source):
        root = os.path.dirname(source) or "." if image_root is None else image_root
        return "a table", os.fspath(root), tables.read(source, owner, root=root, columns=columns, **shared)
    if listed.is_there(source):
        _unused(of_table, "a table", owner)
        root = source if image_root is None else image_root
        return "lists", os.fspath(root), listed.read(source, owner, root=root, **shared)
    _unused({**of_table, **of_text}, "a table or lists, which this folder is without", owner)
    if json_files.are_there(source):
        return "images with JSON files", source, json_files.read(source, owner)
    return "class folders", source, class_folders.read(source, owner)


def _unused(flags, kind, owner):
    """Nothing is given that would not be looked at."""
    for flag, value in flags.items():
        if value is not None:
            checks.fail(owner, flag, f"used with {kind}", value)


def _check_classes(source, found, owner):
    """Raise where there is but one class, which is what a folder around the folders of classes looks like."""
    classes = set(found.classes)
    if len(classes) != 1:
        return
    (name,) = classes
    beneath = {image.split("/")[1] for image in found.images if image.startswith(f"{name}/") and image.count("/") > 1}
    remedy = ""
    if beneath:
        command = f"ppcls-lt lists {shlex.quote(os.path.join(source, name))}"
        remedy = f"`{command}` if the {checks.some(len(beneath), 'folder')} in it are the classes"
    checks.fail(owner, "SOURCE", "images of at least two classes", checks.described(f"one class, {name!r}"), remedy)
