"""Reading a pickle of arrays and plain containers, and nothing that runs code.

Weights are pickles, and a pickle may call whatever it names. Here it finds
stand-ins for what NumPy and Paddle write, and is refused anything else. An
array's type is made from its name alone: NumPy's own reading of a type believes
what the file says of memory. So does Python's reading of a pickle, whose lengths
are therefore compared with the file's before.
"""

from __future__ import annotations

import io
import os
import pickle
import pickletools
from collections import OrderedDict
from typing import IO, Any

import numpy as np

from .checks import ConfigError

_BEGINS = b"\x80"  # every pickle since protocol 2
# Entries with every one that is shared written out, in a file of fewer bytes; Paddle goes through them all.
_MAX_ENTRIES = 1_000_000
_CODES = {code.code.encode("latin1"): code for code in pickletools.opcodes}
_LENGTH_BYTES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


def load(file: IO[bytes], **_: Any) -> Any:
    """Stand for ``pickle.load``: read one object from a file that is open for reading bytes.

    Raises:
        ConfigError: it holds something else than arrays and plain containers, or is damaged.
        pickle.UnpicklingError: it is no pickle.
    """
    name = getattr(file, "name", "a pickle")
    start = file.tell()
    is_pickle = file.read(1) == _BEGINS
    file.seek(start)
    try:
        size = file.seek(0, os.SEEK_END) - start
        file.seek(start)
        _check_lengths(file, start + size)
        file.seek(start)
        return _plain(_Unpickler(file, name).load(), {}, max(size, _MAX_ENTRIES))[0]
    except ConfigError:
        raise
    except (
        *(pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError),
        *(OverflowError, RecursionError, MemoryError),
    ) as error:
        if isinstance(error, pickle.UnpicklingError) and not is_pickle:
            raise  # of another format of Paddle's
        raise ConfigError(f"{name}: must be a file that Paddle saved, got a damaged one: {error}") from error


def loads(data: bytes, **_: Any) -> Any:
    """Stand for ``pickle.loads``; see :func:`load`."""
    return load(io.BytesIO(data))


def _check_lengths(file, end):
    """Go from code to code of a pickle, passing over what each holds, and refuse what promises more than there is.

    Python makes room before it reads: for text or bytes as long as it is told, and for
    as many remembered objects as the highest place named.

    Raises:
        pickle.UnpicklingError: a length goes past the end of the file, or a place past the objects so far.
    """
    codes = 0
    while (code := _CODES.get(file.read(1))) is not None and code.name != "STOP":
        codes += 1
        if code.arg is None:
            continue
        kind = code.arg.n
        if code.name in ("BINPUT", "LONG_BINPUT", "PUT"):
            place = int.from_bytes(file.read(kind), "little") if kind > 0 else int(file.readline())
            if place > codes:
                raise pickle.UnpicklingError(f"place {place} among {codes} objects")
        elif kind in _LENGTH_BYTES or code.name == "FRAME":
            length = int.from_bytes(file.read(_LENGTH_BYTES.get(kind, 8)), "little")
            left = end - file.tell()
            if length > left:
                raise pickle.UnpicklingError(f"{length} bytes promised, {left} left")
            if code.name != "FRAME":  # whose content is codes again
                file.seek(length, os.SEEK_CUR)
        elif kind > 0:
            file.seek(kind, os.SEEK_CUR)
        else:
            for _ in range(2 if code.name in ("GLOBAL", "INST") else 1):
                file.readline()


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], name: str) -> None:
        super().__init__(file, encoding="latin1")
        self._name = name

    def find_class(self, module, name):
        if (module, name) not in _KNOWN:
            raise ConfigError(
                f"{self._name}: must hold arrays and plain containers only, got a file that asks for "
                f"{module}.{name}; nothing of it was run. Do not use files of this origin"
            )
        return _KNOWN[module, name]

    def persistent_load(self, reference):
        raise ConfigError(f"{self._name}: must hold arrays and plain containers only, got a reference to elsewhere")


class _Array(np.ndarray):
    """An array whose content is still to come."""

    def __setstate__(self, state: Any) -> None:
        *_, shape, dtype, in_fortran_order, data = state
        if not isinstance(dtype, _Type) or not isinstance(data, (bytes, bytearray, str)):
            raise ValueError("an array that is none of numbers")
        super().__setstate__((1, shape, dtype.dtype, bool(in_fortran_order), data))  # type: ignore[arg-type]  # NumPy takes these


class _Type:
    """Stands for ``numpy.dtype``: numbers and text of a fixed size."""

    def __init__(self, name: Any, *_: Any) -> None:
        dtype = np.dtype(str(name))
        if dtype.hasobject or dtype.fields or dtype.subdtype:
            raise ValueError(f"an array of {name}")
        self.dtype = dtype

    def __setstate__(self, state: Any) -> None:
        _, order, *inner = state
        if any(part is not None for part in inner[:3]):
            raise ValueError("an array of structures")
        if order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(order)


_ARRAY = object()  # stands for the class `numpy.ndarray`, which only `_reconstruct` may use


def _reconstruct(kind, *_):
    if kind is not _ARRAY:
        raise ValueError("an array of an unknown class")
    return np.ndarray.__new__(_Array, (0,), "b")


def _scalar(dtype, data):
    return np.frombuffer(_bytes(data), dtype.dtype)[0]


def _from_buffer(data, dtype, shape, order):
    return np.frombuffer(data, dtype.dtype).reshape(shape, order=order)


def _bytes(text="", *_):
    """Bytes as older protocols write them: their text in Latin-1."""
    if not isinstance(text, (str, bytes, bytearray)):
        raise ValueError("bytes of no text")
    return text.encode("latin1") if isinstance(text, str) else bytes(text)


def _tensor(expression, names):
    """Paddle writes a tensor of a static graph as ``eval("data", {"data": array})``."""
    if expression != "data":
        raise ValueError("an expression")
    return names["data"]


_KNOWN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "ndarray"): _ARRAY,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _bytes,
    **{(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in (tuple, list, dict, set)},
    **{(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in (frozenset, complex)},
    **{(module, "bytes"): _bytes for module in ("builtins", "__builtin__")},
    **{(module, "eval"): _tensor for module in ("builtins", "__builtin__")},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


def _plain(value, known, limit):
    """Arrays as ordinary ones, in what was read; containers stay the same objects where they can change.

    Args:
        value: what was read.
        known (dict): what was seen so far, by its ``id``: the object itself, which keeps that
            from being another's, what stands for it, and its entries.
        limit (int): entries with every one that is shared written out.

    Returns:
        (object, int): what stands for it, and its entries.
    """
    if isinstance(value, _Array):
        return value.view(np.ndarray), 1
    if not isinstance(value, (dict, list, tuple)):
        return value, 1
    if id(value) not in known:
        known[id(value)] = value, None, None  # until it is known: who meets it holds itself
        inner, entries = [], 1
        for part in value.values() if isinstance(value, dict) else value:
            count = 1
            if isinstance(part, (_Array, dict, list, tuple)):
                part, count = _plain(part, known, limit)
            inner.append(part)
            entries += count
        if entries > limit:
            raise ValueError(f"shared objects that stand for more than {limit} entries")
        result = tuple(inner) if isinstance(value, tuple) else value
        if isinstance(value, dict):
            value.update(zip(value, inner))
        elif isinstance(value, list):
            value[:] = inner
        known[id(value)] = value, result, entries
    _, result, entries = known[id(value)]
    if entries is None:
        raise ValueError("an object that holds itself")
    return result, entries
