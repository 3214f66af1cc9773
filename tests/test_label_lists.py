"""What a label list is: the commands, a training and a comparison agree, and each names the fault."""

import pytest

from ppcls_lt.commands import main as cli
from ppcls_lt.data import label_lists

from . import stock

LONG = "a" * label_lists.LONGEST_LINE
# A name for the fault -> the bytes of the list, and what every message holds.
FAULTS = {
    "a tab": (b"a.jpg 0\nb.jpg\t1\n", ["line 2: 'b.jpg\\t1'; a tab separates the fields"]),
    "a comma": (b"a.jpg,0\nb.jpg,1\n", ["line 1: 'a.jpg,0'; a comma separates the fields"]),
    "a tab behind a space": (b"my photo.jpg\t0\n", ["line 1: 'my photo.jpg\\t0'; a tab separates the fields"]),
    "several spaces": (b"a.jpg 0\nb.jpg   1\n", ["line 2: 'b.jpg   1'; write a single space"]),
    "a space in a name": (b"my photo.jpg 0\n", ["line 1: 'my photo.jpg 0'; the image's name holds a space"]),
    "an empty line": (b"a.jpg 0\n\nb.jpg 1\n", ["line 2: '', which is empty"]),
    "an empty line at the end": (b"a.jpg 0\r\nb.jpg 1\r\n\r\n", ["line 3: '', which is empty"]),
    "no label": (b"a.jpg 0\nb.jpg\n", ["a list of lines 'image label' with an integer label", "got line 2: 'b.jpg'"]),
    "a byte order mark": (
        b"\xef\xbb\xbfa.jpg 0\nb.jpg 1\n",
        ["a list in UTF-8 without a byte order mark", "got one in line 1; take it off: sed"],
    ),
    "GBK": (
        "a.jpg 0\n猫狗.jpg 1\n".encode("gbk"),
        ["a list in UTF-8", "got line 2 in what may be GBK", "iconv -f GBK -t UTF-8"],
    ),
    "UTF-16": ("a.jpg 0\n".encode("utf-16"), ["a list in UTF-8", "got line 1 in UTF-16"]),
    "no text": (b"a.jpg 0\n\xff\x00 1\n", ["a list in UTF-8", "got line 2 in another encoding"]),
    "a long line": (
        f"a.jpg 0\n{LONG} 1\n".encode(),
        ["a list of lines of less than 1000000 characters", "got a longer line 2"],
    ),
}


def readers(path, config, flags):
    """Every command that reads a list, on this one."""
    yield ["counts", path]
    yield ["split", path, "--val-fraction", "0.5", "--train-out", f"{path}.1", "--val-out", f"{path}.2"]
    yield ["make-lt", path, "--ratio", "2", "-o", f"{path}.1"]
    yield ["train", "-c", config, *flags]
    yield ["compare", "-c", config, *flags]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_reader_names_the_fault(fault, tmp_path, capsys):
    content, parts = FAULTS[fault]
    listing = tmp_path / "train.txt"
    listing.write_bytes(content)
    (tmp_path / "test.txt").write_text("a.jpg 0\n")
    (tmp_path / "test" / "0").mkdir(parents=True)
    config = stock.write(tmp_path)
    flags = stock.flags(config, tmp_path, tmp_path / "out")
    for arguments in readers(str(listing), str(config), flags):
        assert cli.main(arguments) == 2, arguments[0]
        message = capsys.readouterr().err.splitlines()[-1]
        assert message.startswith("ppcls-lt: error: ") and len(message) < 800
        for part in (str(listing), *parts):
            assert part in message, (arguments[0], message)


@pytest.mark.parametrize("content", [b"a.jpg 0 \nb.jpg 1", b"a.jpg 0\r\n b.jpg 1\r\n", b"a.jpg 0 2.5\nb.jpg 1 x y\n"])
def test_every_reader_takes_what_paddleclas_takes(content, tmp_path, capsys):
    """Spaces at the ends, other line ends, further fields; the training then looks for its images."""
    listing = tmp_path / "train.txt"
    listing.write_bytes(content)
    (tmp_path / "test.txt").write_text("a.jpg 0\n")
    (tmp_path / "test" / "0").mkdir(parents=True)
    config = stock.write(tmp_path)
    flags = stock.flags(config, tmp_path, tmp_path / "out")
    for arguments in readers(str(listing), str(config), flags):
        status, errors = cli.main(arguments), capsys.readouterr().err
        if arguments[0] in ("train", "compare"):
            assert status == 2 and "a.jpg" in errors and "integer label" not in errors, arguments[0]
        elif arguments[0] == "split":  # of one image a class none can be held out
            assert status == 2 and "classes: 0, 1" in errors
        else:
            assert status == 0 and "error" not in errors, (arguments[0], errors)


def test_the_suggested_delimiter_is_the_right_one(tmp_path, capsys):
    """The flag for the commands, the key for a configuration, each as it is to be written."""
    listing = tmp_path / "train.txt"
    listing.write_text("my photo.jpg\t0\nb.jpg\t1\n")
    assert cli.main(["counts", str(listing)]) == 2
    assert 'pass `--delimiter "\\t"`' in capsys.readouterr().err
    assert cli.main(["counts", str(listing), "--delimiter", "\\t"]) == 0
    config = stock.write(tmp_path)
    assert cli.main(["train", "-c", str(config), *stock.flags(config, tmp_path, tmp_path / "out")]) == 2
    assert 'pass `delimiter: "\\t"`' in capsys.readouterr().err
