"""What a run keeps comes back as it was, and nothing that is read runs code."""

import math
import os
import pickle
import tracemalloc

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ppcls_lt.basis import unpickling
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.runs import state_files

from .test_resume import assert_same

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    arrays.arrays(st.sampled_from(["float32", "int64", "bool", "uint16"]), arrays.array_shapes(min_dims=0, min_side=0)),
    st.integers(0, 9).map(np.int64),
)
STATES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(
            st.one_of(st.text(), st.integers(), st.sampled_from(["__array__", "__map__"])), inner, max_size=3
        ),
    ),
    max_leaves=10,
)


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self._path = str(path)

    def __reduce__(self):
        return os.mkdir, (self._path,)


def assert_alike(one, other):
    assert type(one) is type(other)
    assert_same(one, other)
    if isinstance(one, (np.ndarray, np.generic)):
        assert one.dtype == other.dtype and one.shape == other.shape
    elif isinstance(one, dict):
        for key in one:
            assert_alike(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        for pair in zip(one, other):
            assert_alike(*pair)


@given(state=STATES)
def test_a_state_comes_back_as_it_was(state, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "state.pdlt"
    state_files.write(path, state)
    assert state_files.is_one(path)
    assert_alike(state_files.read(path), state)


def test_numbers_that_are_not_finite_come_back(tmp_path):
    state_files.write(tmp_path / "s", [math.inf, -math.inf, math.nan])
    found = state_files.read(tmp_path / "s")
    assert found[:2] == [math.inf, -math.inf] and math.isnan(found[2])


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([None]), b"x", paddle.zeros([1])])
def test_what_cannot_be_kept_is_named(value):
    with pytest.raises(TypeError, match=r"state\.callbacks\[1\]: "):
        state_files.encoded({"callbacks": [0, value]})


@pytest.mark.parametrize("damage", [lambda data: data[:-30], lambda data: data[:50] + b"?" * 90 + data[140:]])
def test_a_damaged_state_is_reported(damage, tmp_path):
    path = tmp_path / "state.pdlt"
    path.write_bytes(damage(state_files.encoded({"a": np.zeros(30)})))
    with pytest.raises(ConfigError, match="must be the state of a run, got a damaged file"):
        state_files.read(path)


@pytest.mark.usefixtures("ppcls")
class TestPaddleLoad:
    """With everything registered, ``paddle.load`` itself."""

    CONTENT = {
        "w": np.arange(6, dtype="float32").reshape(2, 3),
        "scalar": np.float64(2.5),
        "big_endian": np.arange(3, dtype=">i4"),
        "fortran": np.asfortranarray(np.eye(3)),
        "empty": np.zeros((0, 4), "uint16"),
        "nested": [1, (2.5, "x"), {"y": None, "z": True}],
        "set": {1, 2},
        "complex": 1 + 2j,
    }

    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    @pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
    def test_reads_what_numpy_writes(self, protocol, core, tmp_path):
        data = pickle.dumps(self.CONTENT, protocol=protocol)
        own = b"numpy._core" if b"numpy._core" in data else b"numpy.core"
        if own != core.encode() and protocol >= 4:
            pytest.skip("names have their length before them")
        (tmp_path / "x").write_bytes(data.replace(own, core.encode()))
        found = paddle.load(str(tmp_path / "x"), return_numpy=True)
        assert_same(found, self.CONTENT)
        assert type(found["w"]) is np.ndarray and found["w"].flags.writeable
        found["w"] += 1

    def test_reads_what_paddle_writes(self, tmp_path):
        layer = paddle.nn.Linear(3, 2)
        optimizer = paddle.optimizer.Adam(parameters=layer.parameters())
        layer(paddle.ones([1, 3])).sum().backward()
        optimizer.step()
        schedule = paddle.optimizer.lr.LinearWarmup(paddle.optimizer.lr.CosineAnnealingDecay(0.1, 9), 2, 0.0, 0.1)
        for number, saved in enumerate(
            ([optimizer.state_dict()], layer.state_dict(), {"metric": 0.5, "s": schedule.state_dict()}, layer.weight)
        ):
            path = str(tmp_path / f"{number}.pdopt")
            for protocol in (2, 4):
                paddle.save(saved, path, protocol=protocol)
                paddle.load(path)
        paddle.save(layer.state_dict(), path)
        loaded = paddle.load(path)
        assert isinstance(loaded["weight"], paddle.Tensor)
        layer.set_state_dict(loaded)

    def test_reads_large_arrays_in_parts(self, tmp_path, monkeypatch):
        """Paddle splits what is too large for its protocol; its own reading joins the parts."""
        parts = {"w@@.0": np.arange(4.0), "w@@.1": np.arange(4.0, 6.0)}
        table = {"UnpackBigParamInfor@@": {"w": {"OriginShape": (2, 3), "slices": list(parts)}}}
        (tmp_path / "x").write_bytes(pickle.dumps({**parts, **table}, protocol=2))
        np.testing.assert_array_equal(
            paddle.load(str(tmp_path / "x"), return_numpy=True)["w"], np.arange(6.0).reshape(2, 3)
        )

    def test_reads_a_tensor_of_a_static_graph(self, tmp_path):
        class Static:
            def __reduce__(self):
                return eval, ("data", {"data": np.arange(3.0)})

        (tmp_path / "x").write_bytes(pickle.dumps({"w": Static()}))
        np.testing.assert_array_equal(paddle.load(str(tmp_path / "x"), return_numpy=True)["w"], np.arange(3.0))

    def test_a_hostile_file_is_refused_and_does_not_run(self, tmp_path):
        (tmp_path / "x").write_bytes(pickle.dumps({"w": np.zeros(3), "run": Hostile(tmp_path / "ran")}))
        with pytest.raises(ConfigError, match=r"x: must hold arrays and plain containers only, .* asks for \w+\.mkdir"):
            paddle.load(str(tmp_path / "x"))
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize(
        "data",
        [
            b"\x80\x02c__builtin__\neval\nX\x08\x00\x00\x00open('a')}\x86R.",
            b"\x80\x02cnumpy\nndarray\nK\x05\x85R.",
            b"\x80\x02cnumpy\ndtype\nX\x01\x00\x00\x00O\x85R.",
            b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00f8\x85R(K\x03X\x01\x00\x00\x00|N(X\x01\x00\x00\x00at}NK\x08K\x01K\x3ftb.",
            b"\x80\x02X\x04\x00\x00\x00nameQ.",
            b"\x80\x02]q\x00h\x00a.",
            b"\x80\x04\x95",
            # Lengths and places that the file does not have, for which Python makes room first.
            b"\x80\x02}r\xff\xff\xff\x07.",
            *(
                b"\x80\x05" + code + (1 << 45).to_bytes(8, "little") + b"."
                for code in (b"\x8d", b"\x8e", b"\x95", b"\x96")
            ),
            b"\x80\x03B\xff\xff\xff\x7f.",
            # 2**40 entries, as lists and as tuples.
            b"\x80\x02]" + b"q\x00](h\x00h\x00e" * 40 + b".",
            b"\x80\x02)" + b"q\x00h\x00\x86" * 40 + b".",
            pickle.dumps(np.array([object])),
        ],
    )
    def test_what_is_made_to_break_is_refused(self, data, tmp_path):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(ConfigError, match="x: must "):
            paddle.load(str(tmp_path / "x"))

    def test_room_is_made_for_no_more_than_the_file_holds(self, tmp_path):
        """Each is told before Python makes the room: not even a process that may take it does."""
        for data in (b"\x80\x02}r\xff\xff\xff\x07.", b"}p%040d\n." % (1 << 27), b"\x80\x03B\xff\xff\xff\x7f."):
            tracemalloc.start()
            with pytest.raises((ConfigError, pickle.UnpicklingError), match="among|promised"):
                unpickling.loads(data)
            assert tracemalloc.get_traced_memory()[1] < 2**20
            tracemalloc.stop()

    def test_shared_objects_stay_shared(self):
        shared = [1, (np.arange(2.0),)]
        found = unpickling.loads(pickle.dumps({"a": shared, "b": (shared, shared[1])}))
        assert found["a"] is found["b"][0] and found["a"][1] is found["b"][1]
        assert type(found["a"][1][0]) is np.ndarray

    def test_a_file_of_another_format_is_left_to_paddle(self, tmp_path):
        tensor = paddle.arange(3, dtype="float32")
        paddle.save(tensor, str(tmp_path / "x"), use_binary_format=True)
        np.testing.assert_array_equal(paddle.load(str(tmp_path / "x")).numpy(), tensor.numpy())


def test_the_module_itself_is_untouched():
    assert pickle.loads(pickle.dumps(os.mkdir)) is os.mkdir
    with pytest.raises(ConfigError):
        unpickling.loads(pickle.dumps(os.mkdir))
