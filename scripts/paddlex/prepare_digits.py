"""Write the long-tailed digits as PaddleX checks data sets: ``images``, ``train.txt``, ``val.txt``, ``label.txt``.

The pictures are drawn at 64 pixels, since the check writes the class into each, and cannot below 50.
"""

import argparse
import sys
from pathlib import Path

from PIL import Image

from ppcls_lt.data import demo as demo_data

PIXELS = 64


def main():
    """Write the data set into the folder that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="data/paddlex_digits")
    folder = Path(parser.parse_args().folder)
    demo_data.write_digits(folder / "images")
    for path in sorted((folder / "images").rglob("*.png")):
        with Image.open(path) as image:
            image.resize((PIXELS, PIXELS), Image.BICUBIC).save(path)
    for part in ("train", "val", "test"):
        lines = (folder / "images" / f"{part}.txt").read_text().splitlines()
        (folder / f"{part}.txt").write_text("".join(f"images/{line}\n" for line in lines))
        print(f"{folder / part}.txt: {len(lines)} images")
    (folder / "label.txt").write_text("".join(f"{digit} digit {digit}\n" for digit in range(10)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
