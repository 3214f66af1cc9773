"""Reading a pickle of arrays and plain containers, and nothing that runs code.

Weights are pickles, and a pickle may call whatever it names. Here it finds
stand-ins for what NumPy and Paddle write, and is refused anything else. An
array's type is made from its name alone: NumPy's own reading of a type believes
what the file says of memory.
"""

import io
import pickle
from collections import OrderedDict

import numpy as np

from ._checks import ConfigError

_BEGINS = b"\x80"  # every pickle since protocol 2


def load(file, **_):
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
        return _plain(_Unpickler(file, name).load())
    except ConfigError:
        raise
    except (
        *(pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError),
        *(OverflowError, RecursionError),
    ) as error:
        if isinstance(error, pickle.UnpicklingError) and not is_pickle:
            raise  # of another format of Paddle's
        raise ConfigError(f"{name}: must be a file that Paddle saved, got a damaged one: {error}") from error


def loads(data, **_):
    """Stand for ``pickle.loads``; see :func:`load`."""
    return load(io.BytesIO(data))


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, name):
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

    def __setstate__(self, state):
        *_, shape, dtype, in_fortran_order, data = state
        if not isinstance(dtype, _Type) or not isinstance(data, (bytes, bytearray, str)):
            raise ValueError("an array that is none of numbers")
        super().__setstate__((1, shape, dtype.dtype, bool(in_fortran_order), data))


class _Type:
    """Stands for ``numpy.dtype``: numbers and text of a fixed size."""

    def __init__(self, name, *_):
        dtype = np.dtype(str(name))
        if dtype.hasobject or dtype.fields or dtype.subdtype:
            raise ValueError(f"an array of {name}")
        self.dtype = dtype

    def __setstate__(self, state):
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


def _plain(value):
    """Arrays as ordinary ones, in what was read; containers stay the same objects where they can change."""
    if isinstance(value, _Array):
        return value.view(np.ndarray)
    if isinstance(value, dict):
        for key, inner in value.items():
            value[key] = _plain(inner)
    elif isinstance(value, list):
        value[:] = map(_plain, value)
    elif isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value
