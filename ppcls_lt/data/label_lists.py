"""Reading label lists: one reader for the commands and the trainings, and a name for every fault.

A list is what PaddleClas reads as one: text in UTF-8 without a byte order mark, a line for
each image, ``image<delimiter>label``, stripped and then split at each delimiter.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any, TextIO

from ..basis import checks

# No image has such a name. What has no line end at all is no list.
LONGEST_LINE = 10**6

_BYTE_ORDER_MARK = "\ufeff"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SHOWN = 80  # characters of a faulty line
_OTHER_DELIMITERS = {"\t": "a tab", ",": "a comma", ";": "a semicolon", "|": "a vertical bar", " ": "a space"}


def lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of an open list, with their ends.

    Raises:
        ValueError: it begins with a byte order mark or has a line that is too
            long; or, of the file, it is not in its encoding.
    """
    first = file.readline(LONGEST_LINE)
    if first.startswith(_BYTE_ORDER_MARK):
        raise ValueError("byte order mark")
    for line in chain([first] if first else [], iter(partial(file.readline, LONGEST_LINE), "")):
        if len(line) == LONGEST_LINE:
            raise ValueError("long line")
        yield line


def open_list(path: str | os.PathLike, **more: Any) -> TextIO:
    """Open a list as text, so that line ends, white space and digits are those that PaddleClas sees."""
    try:
        return open(path, encoding="utf-8", **more)
    except ValueError as error:  # a NUL in its name
        raise OSError(errno.EINVAL, str(error)) from error


def fail_at_line(
    path: str | os.PathLike, owner: str, name: str, delimiter: str, bound: int, from_one: bool = False
) -> None:
    """Raise for the first faulty line of a list: the slow second reading.

    Args:
        path (str): the list.
        owner, name (str): who asks, and the parameter that holds the path.
        delimiter (str): what separates the fields.
        bound (int): the labels lie below.
        from_one (bool): they are all labels from 1 to the bound.

    Raises:
        ConfigError: the line, what is wrong with it and, where that is plain, how to mend it.
    """
    with open_list(path, errors="surrogateescape") as file:
        for number, line in enumerate(iter(partial(file.readline, LONGEST_LINE), ""), 1):
            _check_text(path, owner, name, number, line)
            fields = line.strip().split(delimiter)
            text = line.strip()
            shown = f"line {number}: {text[:_SHOWN]!r}{'...' if len(text) > _SHOWN else ''}"
            try:
                label = int(fields[1])
            except (IndexError, ValueError):
                expected = f"a list of lines {f'image{delimiter}label'!r} with an integer label ({path})"
                hint = _hint(text, delimiter, name) if text else ", which is empty"
                checks.fail(owner, name, expected, checks.described(shown + hint))
            if not 0 <= label < bound:
                hint = "; labels begin at 1; PaddleClas counts from 0: take 1 from every label" if from_one else ""
                expected = f"a list of labels from 0 to {bound - 1} ({path}{hint})"
                checks.fail(owner, name, expected, checks.described(f"label {label} in {shown}"))


def _check_text(path, owner, name, number, line):
    """Raise unless a line is text that PaddleClas would read."""
    if len(line) == LONGEST_LINE:
        got = checks.described(f"a longer line {number}")
        checks.fail(owner, name, f"a list of lines of less than {LONGEST_LINE} characters ({path})", got)
    if number == 1 and line.startswith(_BYTE_ORDER_MARK):
        got = checks.described(r"one in line 1; take it off: sed -i '1s/^\xEF\xBB\xBF//' FILE")
        checks.fail(owner, name, f"a list in UTF-8 without a byte order mark ({path})", got)
    raw = line.encode("utf-8", "surrogateescape")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        found = "another encoding"
        if number == 1 and raw.startswith(_UTF_16):
            found = "UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW"
        elif _decodes(raw, "gb18030"):
            found = "what may be GBK; if so, convert it: iconv -f GBK -t UTF-8 FILE > NEW"
        got = checks.described(f"line {number} in {found}")
        checks.fail(owner, name, f"a list in UTF-8, as PaddleClas reads it ({path})", got)


def _decodes(raw, encoding):
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _hint(text, delimiter, name):
    """What separates the fields of a line instead, and how to say so, or ""."""
    if re.fullmatch(r".*\S[\t ]+\d+(,\d+)+", text):  # of which any number could be taken for a class
        return "; an image seems to have several labels, of which a list like this can have one"
    for other, word in _OTHER_DELIMITERS.items():
        fields = text.split(other)
        if other != delimiter and len(fields) > 1 and _is_integer(fields[1]):
            # The commands for lists call theirs LIST and have a flag.
            flag = "--delimiter {!r}" if name == "LIST" else "delimiter: {!r}"
            return f"; {word} separates the fields: pass `{flag.format(other)}`".replace("'", '"')
    if delimiter == " ":
        if re.fullmatch(r"\S+ {2,}-?\d+", text):
            return "; write a single space, at each of which PaddleClas splits"
        if re.fullmatch(r"\S+( +\S+)+ +-?\d+", text):
            return "; the image's name holds a space: separate the fields by something else, as by a tab, and say so"
    return ""


def _is_integer(text):
    return re.fullmatch(r"\s*[+-]?\d+\s*", text) is not None
