"""Checkpoints that are whole or reported: files, manifests, the newest complete one.

A save goes to a folder of its own, ``.<prefix>.saving``; its manifest, written
last, makes it whole. Only then is the older checkpoint of that prefix moved to
``.<prefix>.previous`` and the new one to its place, manifests last. So at every
moment one complete checkpoint exists, whenever the process dies.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..basis import atomic
from ..basis.checks import ConfigError, described, finding, sought_in
from . import marks as run_marks

LATEST = "latest"
_MANIFEST = ".manifest.json"
# Of the host's files and this package's.
WEIGHTS = ".pdparams"  # the ending of the weights
_ENDINGS = (WEIGHTS, ".pdopt", ".pdstates", ".pdema", ".pdlt")


@contextlib.contextmanager
def saving(root: Path, prefix: str, facts: dict) -> Iterator[Path]:
    """Within the context, write a checkpoint's files below the folder it gives; afterwards they are in place.

    Args:
        root (Path): the folder that the files are meant for.
        prefix (str): the checkpoint's name; a file ``<prefix>.pdparams`` must be
            among those written, at any depth.
        facts (dict): what the manifest says beside the files: ``run``, which
            names the run, ``epoch``, and more.

    Raises:
        ConfigError: a folder that is needed is a link.
    """
    staging = _staging(root, prefix)
    _finish(root, prefix)
    shutil.rmtree(staging, ignore_errors=True)
    atomic.make_folder(root, staging.name)
    try:
        yield staging
        files = [path for path in sorted(staging.rglob("*")) if path.is_file()]
        home = next(path for path in files if path.name == f"{prefix}.pdparams").parent
        listed = {str(path.relative_to(staging)): _described(path) for path in files}
        run_marks.write_map(home / (prefix + _MANIFEST), {"prefix": prefix, **facts, "files": listed})
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    shutil.rmtree(_previous(root, prefix), ignore_errors=True)
    _finish(root, prefix)


def check(path: str | os.PathLike) -> None:
    """Raise unless the checkpoint ``path`` (without ending) is whole.

    One that PaddleClas wrote by itself has no manifest; its files must be there.

    Raises:
        ConfigError: a file is missing, torn or changed.
    """
    path = Path(path)
    problem = _problem(path.with_name(path.name + _MANIFEST), path)
    if problem is not None:
        got = described(f"{path}: {problem}{sought_in(path)}", whole=True)
        remedy = "`ppcls-lt train --resume` goes on from the newest whole one"
        raise ConfigError(finding("Global", "checkpoints", "name a whole checkpoint", got, remedy))


def check_weights(path: str | os.PathLike, owner: str, key: str) -> None:
    """Raise if the weights of the checkpoint ``path`` (without ending) are not those of its manifest, if it has one.

    Args:
        path (str or Path): the checkpoint.
        owner (str): the section that names it, for the message.
        key (str): the key that names it, for the message.

    Raises:
        ConfigError: the file is torn or changed.
    """
    path = Path(path)
    content = manifest_of(path)
    file = path.with_name(f"{path.name}.pdparams")
    listed = {Path(name).name: described for name, described in (content or {}).get("files", {}).items()}
    if file.name in listed and _described(file) != listed[file.name]:
        got = described(f"{path}: {file.name} is torn or was changed after it was saved", whole=True)
        remedy = f"if that is meant, use a copy of it without {path.name}{_MANIFEST}"
        raise ConfigError(finding(owner, key, "name whole weights", got, remedy))


def manifest_of(path: str | os.PathLike) -> dict | None:
    """Return what the manifest of the checkpoint ``path`` (without ending) says, or None where there is none.

    develop's ``best_model/model`` and the averaged ``<prefix>.ema`` have that of their checkpoint.
    """
    path = Path(path)
    names = [path]
    if path.name == "model":
        names.append(path.parent)
    if path.name.endswith(".ema"):
        names.append(path.with_name(path.name[: -len(".ema")]))
    found = (_read_manifest(name.with_name(name.name + _MANIFEST)) for name in names)
    return next((content for content in found if content is not None), None)


def staged_of(root: str | os.PathLike, prefix: str) -> dict | None:
    """Return what the manifest says of a save that a killed process had not yet moved to its place, or None."""
    found = (path for home in _homes(root, prefix) for path in _staging(home, prefix).rglob(prefix + _MANIFEST))
    return next((content for content in map(_read_manifest, found) if content is not None), None)


def newest(root: str | os.PathLike, arch: str, run: str | None = None) -> tuple[Path, dict] | None:
    """Return ``(path without ending, manifest)`` of a run's newest whole checkpoint, or None.

    ``latest`` comes first, wherever a killed process left it; then the one
    before it; other prefixes only where neither is whole.

    Args:
        root (str or Path): the run's ``Global.output_dir``.
        arch (str): ``Arch.name``, below which some versions of PaddleClas save.
        run (str, optional): only checkpoints of the run of that name; otherwise
            those of the run that began last in this folder.
    """
    root = Path(root)
    runs = {name for name in (run_marks.marked(root, arch), run) if name is not None}
    homes = _homes(root, LATEST)
    manifests = [path for home in (root, root / arch) for path in home.glob("*" + _MANIFEST)]
    # Of a prefix with a folder of its own there is no other in it.
    manifests += [path for path in root.glob("*/*" + _MANIFEST) if path.name == path.parent.name + _MANIFEST]
    others = sorted({path.name[: -len(_MANIFEST)] for path in manifests})
    ranks = (
        [_staging(home, LATEST) / LATEST for home in homes],
        [home / LATEST for home in homes],
        [_previous(home, LATEST) / LATEST for home in homes],
        [home / name for name in others for home in _homes(root, name)],
    )
    for paths in ranks:
        found = [found for found in _whole(paths, arch) if runs <= {found[1]["run"]}]
        if found:
            return max(found, key=lambda found: found[1]["epoch"])
    return None


def find(root: str | os.PathLike, arch: str, prefix: str) -> Path | None:
    """Return the path (without ending) of one whole checkpoint of a run, or None.

    A whole one that a killed process had not yet moved to its place is the newer
    one. What an earlier run left in the folder is passed over.
    """
    runs = {name for name in [run_marks.marked(root, arch)] if name is not None}
    homes = _homes(root, prefix)
    found = _whole([*(_staging(home, prefix) / prefix for home in homes), *(home / prefix for home in homes)], arch)
    return next((path for path, manifest in found if runs <= {manifest["run"]}), None)


def finish_all(root: str | os.PathLike) -> None:
    """Move what a killed process had saved whole, and not yet moved, to its place; remove what it had not."""
    for staging in [*Path(root).glob(".*.saving"), *Path(root).glob("*/.*.saving")]:
        prefix = staging.name[1 : -len(".saving")]
        if staging.parent in _homes(root, prefix):
            _finish(staging.parent, prefix)
            shutil.rmtree(staging, ignore_errors=True)


def epoch_of(path: str | os.PathLike) -> int:
    """Return the epoch after which a whole checkpoint, its path without ending, was saved."""
    return manifest_of(path)["epoch"]  # type: ignore[index]  # a whole one has a manifest


def last_epoch(root: str | os.PathLike, arch: str) -> int:
    """Return the epoch of ``latest`` by its manifest, 0 without one; whether its files are whole is not looked at."""
    homes = (*_homes(root, LATEST), Path(root) / arch)
    return max((_read_manifest(home / (LATEST + _MANIFEST)) or {"epoch": 0})["epoch"] for home in homes)


def remove_all(root: str | os.PathLike) -> None:
    """Remove every checkpoint of a training, of any prefix, and what a killed process left of one."""
    for prefix in (".*.saving", ".*.previous"):
        for folder in list(Path(root).rglob(prefix)):
            shutil.rmtree(folder, ignore_errors=True)
    for path in list(Path(root).rglob("*")):
        if path.suffix in _ENDINGS or path.name.endswith(_MANIFEST):
            path.unlink()


def _homes(root, prefix):
    """Where a checkpoint may lie: in the folder, or in one of its prefix's name below (`uniform_output_enabled`)."""
    return Path(root), Path(root) / prefix


def _manifests(paths, arch):
    """The manifests that exist of these checkpoints, here or in the architecture's folder."""
    for path in paths:
        for home in (path.parent, path.parent / arch):
            manifest = home / (path.name + _MANIFEST)
            if manifest.is_file():
                yield manifest


def _whole(paths, arch):
    """Yield ``(path, manifest)`` of those checkpoints that are whole."""
    for manifest in _manifests(paths, arch):
        path = manifest.with_name(manifest.name[: -len(_MANIFEST)])
        if _problem(manifest, path) is None:
            yield path, _read_manifest(manifest)


def _problem(manifest, path):
    """What is wrong with a checkpoint, in words, or None."""
    if not os.path.isfile(manifest):
        missing = [end for end in (".pdparams", ".pdopt", ".pdstates") if not os.path.isfile(f"{path}{end}")]
        return f"{path.name}{missing[0]} is missing" if missing else None
    content = _read_manifest(manifest)
    if content is None:
        return f"{manifest.name} is torn"
    home = _home(content)
    for name, entry in content["files"].items():
        file = manifest.parent / os.path.relpath(name, home)  # the folder above may have got another name
        if not file.is_file():
            return f"{name} is missing"
        if _described(file) != entry:
            return f"{name} is torn or does not belong to the others"
    return None


def _read_manifest(path):
    """A manifest's content, or None if it is not there, torn or none."""
    content = run_marks.read_map(path) or {}
    files = content.get("files")
    known = (
        isinstance(files, dict)
        and all(isinstance(described, dict) for described in files.values())
        and any(Path(name).name == f"{content.get('prefix')}.pdparams" for name in files)
    )
    whole = known and isinstance(content.get("run"), str) and type(content.get("epoch")) is int
    return content if whole else None


def _home(content):
    """The folder of the checkpoint's own files, as its manifest names it."""
    return Path(next(name for name in content["files"] if Path(name).name == f"{content['prefix']}.pdparams")).parent


def _described(path):
    """Size and checksum of a file, which is on the disk afterwards."""
    checksum = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
        os.fsync(file.fileno())
    return {"bytes": path.stat().st_size, "crc32": checksum}


def _staging(root, prefix):
    return _no_link(Path(root) / f".{prefix}.saving")


def _previous(root, prefix):
    return _no_link(Path(root) / f".{prefix}.previous")


def _no_link(folder):
    atomic.check_folder(folder)
    return folder


def _finish(root, prefix):
    """Move a whole staged checkpoint to its place, and the one there aside; also after a kill in the middle."""
    staging = _staging(root, prefix)
    manifest = next(iter(staging.rglob(prefix + _MANIFEST)), None) if staging.is_dir() else None
    if manifest is None or _read_manifest(manifest) is None:
        return
    inside = manifest.relative_to(staging)
    old = Path(root) / inside
    if old.is_file():
        # Its manifest is moved last: as long as it is here, some of its files may be.
        _move(root, _previous(root, prefix), inside, _read_manifest(old) or {"files": {}})
    _move(staging, Path(root), inside, _read_manifest(manifest))
    shutil.rmtree(staging)


def _move(source, target, manifest, content):
    """Move the files of a manifest, itself last, from one folder to another; those moved already stay."""
    for name in [*content["files"], manifest]:
        if (Path(source) / name).is_file():
            atomic.make_folder(target, Path(name).parent)
            os.replace(Path(source) / name, target / name)
