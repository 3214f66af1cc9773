"""Write a small real long-tailed data set as PNG files with PaddleClas image lists."""

import argparse
import sys

from ppcls_lt import ConfigError
from ppcls_lt.data import demo as demo_data


def main():
    """Write the data set that the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=("digits", "fashion-mnist"))
    parser.add_argument("--out", help="folder, ./data/digits or ./data/fashion_mnist_lt by default")
    parser.add_argument("--ratio", type=float, help="images of the largest class over the smallest")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--source", help="folder with the four Fashion-MNIST files")
    arguments = parser.parse_args()
    if arguments.source is not None and arguments.data == "digits":
        parser.error("--source is of the data of Fashion-MNIST alone")
    options = {"seed": arguments.seed}
    if arguments.ratio is not None:
        options["ratio"] = arguments.ratio
    if arguments.source is not None:
        options["source"] = arguments.source
    try:
        if arguments.data == "digits":
            counts = demo_data.write_digits(arguments.out or "data/digits", **options)
        else:
            counts = demo_data.write_fashion_mnist(arguments.out or "data/fashion_mnist_lt", **options)
    except ConfigError as error:
        print(f"prepare_data: error: {error}", file=sys.stderr)
        return 2
    for part, images in counts.items():
        print(f"{part}: {sum(images)} images, per class {images}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
