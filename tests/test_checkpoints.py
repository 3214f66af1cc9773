"""Checkpoints stay whole whenever the process dies: killed for real, at every file operation of a save."""

import json
import os
import signal

import pytest

from ppcls_lt import ConfigError
from ppcls_lt.runs import checkpoints
from ppcls_lt.runs import marks as run_marks

ARCH = "Net"
ENDINGS = (".pdparams", ".pdopt", ".pdstates")


def save(root, epoch, *, prefix="latest", home=ARCH, run="a"):
    """Save a checkpoint whose every file says its epoch, as some versions of the host do: below the architecture."""
    with checkpoints.saving(root, prefix, {"run": run, "epoch": epoch}) as folder:
        (folder / home).mkdir(exist_ok=True)
        for ending in ENDINGS:
            (folder / home / (prefix + ending)).write_text(f"{epoch}" * 100)


def content(path):
    """The one epoch that all files of a checkpoint say."""
    (epoch,) = {path.with_name(path.name + ending).read_text()[:1] for ending in ENDINGS}
    return int(epoch)


def die_at(operation, root, epoch):
    """In a child process, save and be killed at the given operation on files; return whether it was."""
    child = os.fork()
    if child == 0:
        left = [operation]

        def counted(original):
            def call(*args, **kwargs):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return original(*args, **kwargs)

            return call

        for name in ("replace", "mkdir", "unlink", "rmdir", "fsync", "open"):
            setattr(os, name, counted(getattr(os, name)))
        try:
            save(root, epoch)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path):
    """Saves 1 and 2, a kill in save 3: then 2 or 3 is there, and the next save finds nothing in its way."""
    seen = set()
    for operation in range(200):
        root = tmp_path / str(operation)
        save(root, 1)
        save(root, 2)
        killed = die_at(operation, root, 3)
        path, manifest = checkpoints.newest(root, ARCH)
        assert content(path) == manifest["epoch"]
        seen.add(manifest["epoch"])
        save(root, 4)
        path, manifest = checkpoints.newest(root, ARCH)
        assert (content(path), manifest["epoch"]) == (4, 4)
        previous = root / ".latest.previous" / ARCH / "latest"
        checkpoints.check(previous)
        assert content(previous) in (2, 3)
        if not killed:
            break
    assert not killed and operation > 20
    assert seen == {2, 3}


def test_every_file_is_on_the_disk_before_the_manifest_makes_them_whole(tmp_path, monkeypatch):
    synced, described = set(), []
    fsync, replace = os.fsync, os.replace

    def follow(descriptor):
        synced.add(os.fstat(descriptor).st_ino)
        return fsync(descriptor)

    def put(source, target):
        if str(target).endswith(".saving/Net/latest.manifest.json"):
            described.extend(path.stat().st_ino for path in target.parent.glob("latest.pd*"))
            assert os.stat(source).st_ino in synced
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", follow)
    monkeypatch.setattr(os, "replace", put)
    save(tmp_path, 1)
    assert len(described) == len(ENDINGS) and set(described) <= synced


@pytest.mark.parametrize("home", [".", ARCH])
def test_the_previous_one_is_kept_and_found_when_the_newest_is_torn(home, tmp_path):
    save(tmp_path, 1, home=home)
    save(tmp_path, 2, home=home)
    latest = tmp_path / home / "latest"
    assert checkpoints.newest(tmp_path, ARCH)[0] == latest
    weights = latest.with_suffix(".pdparams")
    weights.write_bytes(weights.read_bytes()[:-1])
    path, manifest = checkpoints.newest(tmp_path, ARCH)
    assert (content(path), manifest["epoch"]) == (1, 1)
    with pytest.raises(ConfigError, match=r"latest\.pdparams is torn"):
        checkpoints.check(latest)


@pytest.mark.parametrize("name", [".latest.saving", ".latest.previous", ARCH])
def test_a_folder_that_is_a_link_is_refused_by_a_save_and_by_a_resume(name, tmp_path):
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "latest.pdparams").write_text("mine")
    root = tmp_path / "out"
    root.mkdir()
    (root / name).symlink_to(tmp_path / "victim")
    with pytest.raises(ConfigError, match=f"{name}: must be a folder of its own, got a link to .*victim; remove it"):
        save(root, 1)
        save(root, 2)
    if name != ARCH:
        with pytest.raises(ConfigError, match=f"{name}: must be a folder of its own"):
            checkpoints.newest(root, ARCH)
    assert (tmp_path / "victim" / "latest.pdparams").read_text() == "mine"
    assert len(list((tmp_path / "victim").iterdir())) == 1


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_missing_file_is_reported(ending, tmp_path):
    save(tmp_path, 1)
    latest = tmp_path / ARCH / "latest"
    checkpoints.check(latest)
    latest.with_suffix(ending).unlink()
    with pytest.raises(ConfigError, match=rf"latest\{ending} is missing"):
        checkpoints.check(latest)
    assert checkpoints.newest(tmp_path, ARCH) is None


def test_files_of_two_saves_do_not_pass_for_one(tmp_path):
    save(tmp_path, 1)
    old = (tmp_path / ARCH / "latest.pdopt").read_bytes()
    save(tmp_path, 2)
    (tmp_path / ARCH / "latest.pdopt").write_bytes(old)
    with pytest.raises(ConfigError, match="latest.pdopt is torn or does not belong"):
        checkpoints.check(tmp_path / ARCH / "latest")


def test_a_torn_manifest_is_reported(tmp_path):
    save(tmp_path, 1)
    manifest = tmp_path / ARCH / "latest.manifest.json"
    manifest.write_text(manifest.read_text()[:20])
    with pytest.raises(ConfigError, match="manifest.json is torn"):
        checkpoints.check(tmp_path / ARCH / "latest")


def test_one_that_the_host_saved_alone_passes_with_all_its_files(tmp_path):
    for ending in ENDINGS:
        with pytest.raises(ConfigError, match=rf"latest\{ending} is missing"):
            checkpoints.check(tmp_path / "latest")
        (tmp_path / f"latest{ending}").write_text("x")
    checkpoints.check(tmp_path / "latest")


def test_a_failing_save_leaves_the_last_one(tmp_path):
    save(tmp_path, 1)
    with pytest.raises(OSError):
        with checkpoints.saving(tmp_path, "latest", {"run": "a", "epoch": 2}):
            raise OSError("no space left on device")
    assert checkpoints.newest(tmp_path, ARCH)[1]["epoch"] == 1
    assert not (tmp_path / ".latest.saving").exists()


def test_other_prefixes_serve_only_without_a_whole_latest(tmp_path):
    save(tmp_path, 5, prefix="epoch_5")
    save(tmp_path, 3, prefix="best_model")
    save(tmp_path, 4)
    assert checkpoints.newest(tmp_path, ARCH)[1]["epoch"] == 4
    (tmp_path / ARCH / "latest.pdopt").unlink()
    path, manifest = checkpoints.newest(tmp_path, ARCH)
    assert (path.name, manifest["epoch"]) == ("epoch_5", 5)
    assert checkpoints.find(tmp_path, ARCH, "best_model") == tmp_path / ARCH / "best_model"
    assert checkpoints.find(tmp_path, ARCH, "epoch_7") is None


def test_a_checkpoint_may_be_moved(tmp_path):
    save(tmp_path / "run", 1)
    (tmp_path / "run" / ARCH).rename(tmp_path / "elsewhere")
    checkpoints.check(tmp_path / "elsewhere" / "latest")


@pytest.mark.slow
def test_one_that_a_kill_left_staged_is_the_newer_one(tmp_path):
    """As many operations as it takes to die between the manifest and the move."""
    for operation in range(200):
        root = tmp_path / str(operation)
        save(root, 1)
        if not die_at(operation, root, 2):
            break
        newest = checkpoints.newest(root, ARCH)[1]["epoch"]
        if newest == 2:
            assert content(checkpoints.find(root, ARCH, "latest")) == 2
    assert operation > 15


def test_what_an_earlier_run_left_is_not_gone_on_from(tmp_path):
    save(tmp_path, 9, run="old")
    run_marks.mark(tmp_path, ARCH, "new")
    assert checkpoints.newest(tmp_path, ARCH) is None
    assert checkpoints.find(tmp_path, ARCH, "latest") is None
    save(tmp_path, 1, run="new")
    assert checkpoints.newest(tmp_path, ARCH)[1] == json.loads((tmp_path / ARCH / "latest.manifest.json").read_text())
    (tmp_path / ARCH / "latest.pdopt").unlink()
    assert checkpoints.newest(tmp_path, ARCH) is None
    checkpoints.check(tmp_path / ".latest.previous" / ARCH / "latest")


def test_a_stage_goes_on_only_with_the_run_of_the_stage_before(tmp_path):
    save(tmp_path, 1, run="other")
    assert checkpoints.newest(tmp_path, ARCH, run="this") is None
    assert checkpoints.newest(tmp_path, ARCH, run="other")[1]["epoch"] == 1


@pytest.mark.parametrize(
    "content", ["[1]", "{}", "1", '"text"', "null", '{"run": 1}', '{"run": "a", "epoch": "2", "prefix": "latest"}']
)
def test_a_manifest_of_something_else_is_torn(tmp_path, content):
    save(tmp_path, 1)
    manifest = next(tmp_path.rglob("latest.manifest.json"))
    manifest.write_text(content)
    with pytest.raises(ConfigError, match="latest.manifest.json is torn"):
        checkpoints.check(manifest.with_name("latest"))
    assert checkpoints.newest(tmp_path, ARCH) is None
    (tmp_path / ".run.json").write_text(content)
    assert checkpoints.find(tmp_path, ARCH, "latest") is None
