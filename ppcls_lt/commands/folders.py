"""The command ``folders``: from a label list back to class folders. Nothing heavy is imported before it is chosen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .describing import say, some
from .list_options import add_list_command, delimiter

if TYPE_CHECKING:
    import argparse

_OWNER = "ppcls-lt folders"


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = add_list_command(
        commands,
        "folders",
        _folders,
        "make class folders of links from a label list",
        "Make a folder of class folders, with a link to each image of a label list: to look at the images, to sort "
        "them by hand, and to make lists of what has become of them with `ppcls-lt lists`.",
    )
    command.add_argument("--image-root", default=".", metavar="DIR", help="what the paths are relative to (.)")
    command.add_argument("--out", required=True, metavar="DIR", help="the folder to make")
    command.add_argument("--copy", action="store_true", help="copy the images instead")


def _folders(arguments):
    from ..data import class_names, list_files
    from ..data.sources import written

    data = list_files.read_label_list(arguments.list, owner=_OWNER, delimiter=delimiter(arguments, _OWNER))
    called = class_names.called(class_names.of_list(arguments.list, arguments.names))
    classes = [called(label) for label in data.labels.tolist()]
    places = written.link_places(data.images, classes, _OWNER)
    sources = {place: os.path.join(arguments.image_root, image) for place, image in places.items()}
    written.write_links(arguments.out, sources, _OWNER, copy=arguments.copy)
    kind = "copy" if arguments.copy else "link"
    number = f"{len(sources)} {kind if len(sources) == 1 else kind[:-1] + 'ies' if kind == 'copy' else kind + 's'}"
    say([f"{arguments.out}: {number} in {some(len(set(classes)), 'folder')}"])
    return 0
