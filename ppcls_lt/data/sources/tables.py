"""A CSV file with a header: a row for each image, its class, and what it belongs to."""

from __future__ import annotations

import csv
import io
import os

from ...basis import checks
from . import texts
from .class_folders import PART_NAMES
from .images import Found, Places

_DELIMITERS = (",", "\t", ";", "|")
# What such columns are called; the first that is there is taken.
_COLUMNS = {
    "image": ("image", "image_path", "path", "filename", "file_name", "file", "img", "图像", "图片"),
    "label": ("label", "class", "class_name", "category", "labels", "类别", "标签"),
    "part": ("split", "part", "subset", "set", "partition"),
}


def read(
    path: str | os.PathLike,
    owner: str,
    *,
    root: str | os.PathLike,
    names: str | os.PathLike | None = None,
    delimiter: str | None = None,
    columns: dict | None = None,
    skip_missing: bool = False,
) -> Found:
    """Return the images of a table.

    Args:
        path (str): the CSV file.
        owner (str): who asks, for messages.
        root (str): what the paths are relative to.
        names (str, optional): a file of names, of labels that are numbers.
        delimiter (str, optional): by default the one of ``, ; |`` and tab that is most often in the header.
        columns (dict, optional): ``image``, ``label``, ``part`` and ``group`` -> the column's name, or None.
        skip_missing (bool): leave out images that are not there.

    Raises:
        ConfigError: a column is not there, a row has another number of fields or no class, an image is not there.
    """
    told: list = []
    called = {} if names is None else texts.class_names(names, owner, told)
    # A record may go over several lines.
    content = "\n".join(texts.lines(path, owner, told))
    header = content.partition("\n")[0]
    separator = delimiter or max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=_single(separator, owner), strict=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error as error:
        got = checks.described(f"{error} in line {reader.line_num}; is there a quotation mark that nothing closes?")
        checks.fail(owner, str(path), "a CSV file", got)
    if len(rows) < 2:
        checks.fail(
            owner, str(path), "a CSV file with a header and a row for each image", checks.described(f"{len(rows)} rows")
        )
    head = [name.strip() for name in rows[0]]
    place = {
        role: _place(role, head, (columns or {}).get(role), owner, path) for role in ("image", "label", "part", "group")
    }
    used = ", ".join(f"{role} {head[index]!r}" for role, index in place.items() if index is not None)
    told.append(f"columns: {used}")
    found = Found([], [], [], [], list(called.values()) or None, told)
    places = Places(root)
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(head):
            got = checks.described(f"{len(row)} fields in record {number}: {row}"[:200])
            checks.fail(owner, str(path), f"a CSV file of {len(head)} fields a row", got)
        cells = {role: "" if index is None else row[index].strip() for role, index in place.items()}
        for role in ("label", "group"):
            if place[role] is not None and not cells[role]:
                empty = sum(not (one[place[role] : place[role] + 1] or [""])[0].strip() for one in rows[1:])
                got = checks.described(f"none in {empty} of {len(rows) - 1}, the first of them {row}"[:200])
                remedy = "fill them in, or take these rows out of the file"
                checks.fail(owner, str(path), f"a CSV file with a {role} in each row", got, remedy)
        image = places.find(cells["image"])
        if image is not None:
            found.images.append(image)
            found.classes.append(_name(cells["label"], called, owner, path))
            found.groups.append(cells["group"] or image)
            found.parts.append(_part(cells["part"], number, head[place["part"] or 0], owner, path))
    told += places.told(owner, skip_missing, path)
    return found


def _single(separator, owner):
    if len(separator) != 1:
        checks.fail(owner, "--delimiter", "one character, for a CSV file", separator)
    return separator


def _place(role, head, given, owner, path):
    """Where the column of a role stands, or None."""
    flag = f"--{role}-column"
    if role == "part" and given == "":  # whatever its columns are called
        return None
    if given is not None:
        if head.count(given) != 1:
            got = checks.described(f"{given!r}; the columns are {', '.join(head)}{checks.suggestion(given, head)}")
            checks.fail(owner, flag, f"the name of one column of {path}", got)
        return head.index(given)
    if role == "group":
        return None
    lower = [name.lower() for name in head]
    known = next((lower.index(name) for name in _COLUMNS[role] if name in lower), None)
    if known is None and role != "part":
        checks.fail(owner, flag, "given", checks.described(f"nothing; the columns of {path} are {', '.join(head)}"))
    return known


def _name(label, called, owner, path):
    if not called or label in called.values():
        return label
    number = str(int(label)) if label.isdecimal() else label
    if number not in called:
        checks.fail(
            owner, str(path), "a CSV file of labels that have a name in --names", checks.described(f"{label!r}")
        )
    return called[number]


def _part(text, number, column, owner, path):
    if not text:
        return None
    if text.lower() not in PART_NAMES:
        got = checks.described(f"{column!r}, with {text!r} in record {number}")
        expected = f"a column of {', '.join(PART_NAMES)}, or empty ({path})"
        checks.fail(owner, "--part-column", expected, got, "`--part-column ''` takes none")
    return PART_NAMES[text.lower()]
