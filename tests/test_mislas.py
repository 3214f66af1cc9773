"""The second stage of MiSLAS: what it moves, and what it leaves alone."""

import paddle
import pytest

from . import engines


@pytest.mark.slow
def test_the_backbone_keeps_its_weights_and_shifts_its_statistics(tmp_path):
    data = engines.write_digits(tmp_path / "digits")
    lines = (data / "train.txt").read_text().splitlines()
    (data / "train.txt").write_text("\n".join(lines[:200]) + "\n")
    settings = engines.digits_config(
        data, tmp_path / "out", losses=[{"CELoss": {"weight": 1.0}}], epochs=2, recipe="mislas", eval_during_train=False
    )
    engines.build_engine(settings).train()
    paths = (engines.saved(tmp_path / "out" / f"stage_{number}") for number in (1, 2))
    first, second = (paddle.load(f"{path}.pdparams", return_numpy=True) for path in paths)
    assert list(first) == list(second)  # the scales are in the weights
    moved = {name for name in first if (first[name] != second[name]).any()}
    statistics = {name for name in first if name.endswith(("_mean", "_variance"))}
    assert statistics and moved == {"fc.weight", "fc.bias", *statistics}
