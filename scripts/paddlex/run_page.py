"""Run the commands of docs/paddlex.md in order, the installation left out, and print the end of what each says.

``python`` and ``ppcls-lt`` on the PATH must be those of an environment that the page's first block has made.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOWN = 5  # lines of each command's output
COLOURS = re.compile(r"\x1b\[\d+m")


def blocks():
    """The text of every block of shell commands but the first."""
    return re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / "paddlex.md").read_text(), flags=re.M | re.S)[1:]


def main():
    """Run them in the folder that the command line names; return the status of the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="an empty folder to work in")
    parser.add_argument("--begin", type=int, default=1, help="the block to begin with, where a folder has those before")
    arguments = parser.parse_args()
    folder = Path(arguments.folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "scripts").exists():
        (folder / "scripts").symlink_to(ROOT / "scripts")  # the page is read in a clone
    names = {str(folder): ".", str(ROOT): "CLONE", sys.prefix: "VENV", str(Path.home()): "HOME"}
    for text in blocks()[arguments.begin - 1 :]:
        started = time.monotonic()
        done = subprocess.run(
            ["bash", "-ec", text], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said = COLOURS.sub("", done.stdout)
        for path, name in names.items():
            said = said.replace(path, name)
        print(f"$ {text.rstrip()}", *said.splitlines()[-SHOWN:], sep="\n")
        print(f"# status {done.returncode}, {time.monotonic() - started:.0f} s{os.linesep}", flush=True)
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
