"""Writing a file whole or not at all."""

import os
from pathlib import Path


def write(path, data):
    """Write ``data`` (bytes) to a file, which holds either what it held before or all of it.

    It is on the disk before it takes the place of the old file. The folder must exist.
    """
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
