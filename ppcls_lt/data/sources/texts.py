"""Text files that other tools have written: their encoding, what separates their fields, their names of classes."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from ...basis import checks

# In this order: a path holds a space sooner than a comma, and a comma sooner than a tab.
DELIMITERS = ("\t", ",", ";", "|", " ")


def lines(path: str | os.PathLike, owner: str, told: list) -> list[str]:
    """Return the lines of a text file without their ends; what is no UTF-8 is read as GBK, which is told.

    Args:
        path (str): the file.
        owner (str): who asks, for messages.
        told (list): of sentences, which is added to.

    Raises:
        ConfigError: it cannot be read as either.
    """
    checks.regular_file(owner, str(path), path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        checks.unreadable(owner, "SOURCE", path, error)
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            found = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "utf-8-sig":
            told.append(f"{path}: read as {'GBK' if encoding == 'gb18030' else 'UTF-16'}, since it is no UTF-8")
        return found.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    checks.fail(owner, str(path), "a text in UTF-8, UTF-16 or GBK", checks.described("another encoding"))


def class_names(path: str | os.PathLike, owner: str, told: list) -> dict[str, str]:
    """Return what a file of names says: how a class is written in the lists -> its name, in the order of the labels.

    Lines are ``0 cat``, with any delimiter, or ``cat``, whose place in the file is the label.

    Args:
        path (str): the file.
        owner (str): who asks, for messages.
        told (list): of sentences, which is added to.

    Raises:
        ConfigError: two lines have one name or one number, or there is none.
    """
    texts = [line.strip() for line in lines(path, owner, told)]
    texts = [text for text in texts if text]
    names: dict[str, str] = {}
    numbered = next((d for d in DELIMITERS if _all_numbered(texts, d)), None)
    if numbered is None:
        names = {str(place): text for place, text in enumerate(texts)}
    else:
        parted = [text.partition(numbered) for text in texts]
        names = {str(int(number)): name.strip() for number, _, name in sorted(parted, key=lambda each: int(each[0]))}
    if not texts or len(names) < len(texts) or len(set(names.values())) < len(names):
        got = checks.described("one twice" if texts else "an empty file")
        checks.fail(owner, str(path), "a file with a line for each class, numbers and names all different", got)
    return names


def _all_numbered(texts, delimiter):
    return all(
        number.strip().isdecimal() and name.strip() for number, _, name in (t.partition(delimiter) for t in texts)
    )


def delimiter_of(
    texts: Sequence[str], labels: Collection[str], given: str | None, owner: str, path: str | os.PathLike
) -> str:
    """Return what separates path and label in every line, by the last one in it.

    Args:
        texts (list of str): lines that are not empty.
        labels (set of str): texts that are a class, besides integers.
        given (str, optional): the only one that it can be.
        owner (str), path (str): who asks, and the file, for messages.

    Raises:
        ConfigError: nothing does.
    """
    wrong: dict[str, int] = {}
    for delimiter in DELIMITERS if given is None else (given,):
        first = next((n for n, text in enumerate(texts) if not _parts(text, delimiter, labels)), None)
        if first is None:
            return delimiter
        wrong[delimiter] = first
    # The delimiter that comes furthest is most likely meant.
    delimiter, line = max(wrong.items(), key=lambda each: each[1])
    known = "an integer" if not labels else "an integer or a name of label.txt"
    expected = f"a list of lines of an image and a class, {known}, with one delimiter in all of them"
    checks.fail(owner, str(path), expected, checks.described(repr(texts[line][:80])), "`--delimiter` says which it is")


def _parts(text, delimiter, labels):
    path, _, label = text.rpartition(delimiter)
    label = label.strip()
    return bool(path.strip()) and (label in labels or label.isdecimal())
