"""Label lists of arranged images, and the folders of links that are the way back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from ...basis import checks
from .arranging import Arranged
from .images import PARTS

# By these alone.
_PREDICTED = tuple(f".{ending}" for ending in ("jpg", "png", "jpeg", "JPEG", "JPG", "bmp"))


def delimiter_for(images: Sequence[str], owner: str) -> str:
    """Return what can separate image and label in a list of PaddleClas: a space, or a tab where a path has a space.

    PaddleClas splits a line at each delimiter, once the white space at its ends is gone.

    Args:
        images (list of str): paths.
        owner (str): who asks, for messages.

    Raises:
        ConfigError: a path cannot stand in a list.
    """
    delimiter = "\t" if any(" " in image for image in images) else " "
    for image in images:
        wrong = None
        if any(letter in image for letter in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"):
            wrong = "a line end"
        elif delimiter in image:
            wrong = "a tab, where another has a space" if delimiter == "\t" else "a space"
        elif image != image.lstrip():
            wrong = "white space at its beginning"
        elif not _is_text(image):
            wrong = "what is no text in UTF-8"
        if wrong is not None:
            got = checks.described(f"{wrong} in {ascii(image) if wrong.startswith('what') else repr(image)}; rename it")
            checks.fail(owner, "SOURCE", "a source of paths that a list of PaddleClas can hold", got)
    return delimiter


def _is_text(image):
    try:
        image.encode()
    except UnicodeEncodeError:
        return False
    return True


def to_predict(images: Sequence[str]) -> str:
    """Return an image that PaddleClas's `infer` takes by its ending, where there is one, for an example."""
    return next((image for image in images if image.endswith(_PREDICTED)), images[0])


def check_names(names: Sequence[str], owner: str) -> None:
    """Raise unless every name of a class can stand in ``label.txt``.

    Raises:
        ConfigError: one is empty or has a line end or white space at its ends.
    """
    for name in names:
        if not name or name != name.strip() or len(name.splitlines()) > 1 or not _is_text(name):
            got = checks.described(f"{ascii(name)}; rename it")
            checks.fail(owner, "SOURCE", "a source of class names of one line without white space at their ends", got)


def lists(arranged: Arranged, delimiter: str) -> dict[str, bytes]:
    """Return part -> its list, bytes, of every part that has images."""
    found = {}
    for part in PARTS:
        chosen = np.flatnonzero(arranged.parts == part)
        if chosen.size:
            lines = [f"{arranged.images[place]}{delimiter}{arranged.labels[place]}\n" for place in chosen]
            found[part] = "".join(lines).encode()
    return found


def link_places(images: Sequence[str], classes: Sequence[str], owner: str) -> dict[str, str]:
    """Return place -> image: where each link goes, relative to the folder of links, its class and the image's path.

    A first folder that is called as the class is not repeated, so that lists of class folders lead back to them.

    Args:
        images (list of str): paths as in a list.
        classes (list of str): the name of the class of each.
        owner (str): who asks, for messages.

    Raises:
        ConfigError: a class cannot be the name of a folder, or two images have one place.
    """
    places: dict[str, str] = {}
    for image, name in zip(images, classes):
        if name in ("", ".", "..") or set(name) & set("/\\\0"):
            got = checks.described(f"{name!r}; `--names` gives other names")
            checks.fail(owner, "LIST", "a list of classes whose names can be those of folders", got)
        steps = [step for step in PurePosixPath(image).parts if step not in ("/", "..")]
        place = "/".join([name, *(steps[1:] if len(steps) > 1 and steps[0] == name else steps)])
        if places.setdefault(place, image) != image:
            got = checks.described(f"{places[place]!r} and {image!r}")
            checks.fail(owner, "LIST", f"a list of images with places of their own, not both {place}", got)
    return places


def write_links(
    folder: str | os.PathLike, sources: dict[str, str], owner: str, *, copy: bool = False, tell: Callable | None = None
) -> None:
    """Make a folder of links to images, or of copies.

    It is filled beside its place and moved there once complete.

    Args:
        folder (str): does not exist yet.
        sources (dict): place in it -> the image, a path.
        owner (str): who asks, for messages.
        copy (bool): copy the images.

    Raises:
        ConfigError: the folder is there, an image is not, or it cannot be written.
    """
    folder = Path(folder)
    if os.path.lexists(folder):
        checks.fail(owner, "--out", "a new folder", str(folder))
    missing = [path for path in sources.values() if not os.path.isfile(path)]
    if missing:
        got = checks.described(f"{len(missing)} that are not, {missing[0]!r} for one")
        checks.fail(owner, "LIST", "a list of images that are there", got, "`--image-root` names their folder")
    beside = folder.with_name(f".{folder.name}.{os.urandom(8).hex()}.tmp")
    try:
        for place, path in sources.items():
            target = beside / place
            target.parent.mkdir(parents=True, exist_ok=True)
            if copy:
                shutil.copyfile(path, target)
            else:
                target.symlink_to(os.path.abspath(path))
        os.rename(beside, folder)
    except OSError as error:
        expected = f"a folder that can be written ({folder})"
        checks.fail(owner, "--out", expected, checks.described(error.strerror), "`--copy` copies instead of linking")
    finally:  # nothing of it is left, of an interruption neither
        shutil.rmtree(beside, ignore_errors=True)
