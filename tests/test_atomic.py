"""Files are written whole, on the disk first, and through no link."""

import errno
import os
import stat

import pytest

from ppcls_lt.basis import atomic
from ppcls_lt.basis.checks import ConfigError


@pytest.fixture
def calls(monkeypatch):
    """The calls of ``os`` that matter to the order of things, as they come: (name, what of the file was written)."""
    made = []

    def followed(name):
        original = getattr(os, name)

        def call(*args, **kwargs):
            size = os.fstat(args[0]).st_size if name == "fsync" else os.stat(args[0]).st_size
            made.append((name, size))
            return original(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    followed("fsync")
    followed("replace")
    return made


def test_a_file_is_on_the_disk_before_it_takes_its_place(tmp_path, calls):
    atomic.write(tmp_path / "a", b"12345")
    assert calls == [("fsync", 5), ("replace", 5)]
    calls.clear()
    atomic.write_all({tmp_path / "a": b"1", tmp_path / "b": b"22"})
    assert calls == [("fsync", 1), ("fsync", 2), ("replace", 1), ("replace", 2)]
    calls.clear()
    atomic.copy(tmp_path / "b", tmp_path / "c")
    assert calls == [("fsync", 2), ("replace", 2)]
    assert (tmp_path / "c").read_bytes() == b"22"


def test_a_file_has_the_usual_rights(tmp_path):
    before = os.umask(0o027)
    try:
        atomic.write(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_no_link_is_followed(tmp_path):
    victim, own = tmp_path / "victim", tmp_path / "own"
    victim.mkdir()
    own.mkdir()
    (victim / "file").write_bytes(b"mine")
    for name in ("report.html", "report.html.tmp"):
        (own / name).symlink_to(victim / "file")
    atomic.write(own / "report.html", b"page")
    assert (victim / "file").read_bytes() == b"mine"
    assert (own / "report.html").read_bytes() == b"page" and not (own / "report.html").is_symlink()
    (own / "log").symlink_to(victim / "file")
    with pytest.raises(ConfigError, match="log: must be a file, got a link to .*victim/file; remove it"):
        atomic.open_to_append(own / "log")
    (own / "report").symlink_to(victim)
    with pytest.raises(ConfigError, match="report: must be a folder of its own, got a link to .*victim; remove it"):
        atomic.make_folder(own, "report/stage_1")
    assert [path.name for path in victim.iterdir()] == ["file"]
    assert (victim / "file").read_bytes() == b"mine"


def test_the_users_own_folder_may_be_a_link(tmp_path):
    (tmp_path / "large_disk").mkdir()
    (tmp_path / "output").symlink_to(tmp_path / "large_disk")
    folder = atomic.make_folder(tmp_path / "output", "runs/a")
    atomic.write(folder / "x", b"1")
    assert (tmp_path / "large_disk" / "runs" / "a" / "x").read_bytes() == b"1"


def test_names_of_temporary_files_cannot_be_foreseen(tmp_path, monkeypatch):
    seen = set()
    original = os.open

    def opened(path, flags, *args, **kwargs):
        assert flags & os.O_EXCL
        seen.add(str(path))
        return original(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", opened)
    for _ in range(3):
        atomic.write(tmp_path / "a", b"1")
    assert len(seen) == 3 and str(tmp_path / "a") not in seen


def test_a_failure_names_the_file_and_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device: .*/a'"):
        atomic.write(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_what_a_kill_left_is_swept_and_nothing_else(tmp_path):
    left = tmp_path / f".a.{'0' * 16}.tmp"
    for path in (left, tmp_path / ".a.mine.tmp", tmp_path / "a.tmp"):
        path.write_bytes(b"")
    atomic.sweep(tmp_path / "b")
    assert left.exists()
    atomic.sweep(tmp_path / "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.mine.tmp", "a.tmp"]
