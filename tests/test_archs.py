"""The CIFAR ResNets against the paper's numbers and a block computed by hand."""

import numpy as np
import paddle
import pytest
from paddle import nn

from ppcls_lt.archs import cifar_resnet as archs
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.registry import registered

DEPTHS = (8, 20, 32, 44, 56, 110)


def build(depth, **kwargs):
    return registered("arch")[f"CIFARResNet{depth}"](**kwargs)


def parameter_count(model):
    # BatchNorm's running statistics are no parameters.
    return sum(p.size for p in model.parameters() if not p.stop_gradient)


@pytest.mark.parametrize("depth, millions", [(20, "0.27"), (32, "0.46"), (44, "0.66"), (56, "0.85"), (110, "1.7")])
def test_parameter_counts_of_the_paper(depth, millions):
    decimals = len(millions.split(".")[1])
    assert f"{parameter_count(build(depth)) / 1e6:.{decimals}f}" == millions


@pytest.mark.parametrize("depth", DEPTHS)
def test_layers(depth):
    model = build(depth)
    blocks = (depth - 2) // 6
    assert [len(stage) for stage in (model.stage1, model.stage2, model.stage3)] == [blocks] * 3
    convolutions = [layer for layer in model.sublayers() if isinstance(layer, nn.Conv2D)]
    linears = [layer for layer in model.sublayers() if isinstance(layer, nn.Linear)]
    assert len(convolutions) + len(linears) == depth
    assert linears == [model.fc]
    assert model.fc.weight.shape == [64, 10]
    assert all(layer.bias is None for layer in convolutions)


@pytest.mark.parametrize("size, channels", [(28, 1), (32, 3), (8, 1), (33, 3)])
def test_output_shape(size, channels):
    model = build(8, class_num=7, in_channels=channels)
    assert model(paddle.randn([2, channels, size, size])).shape == [2, 7]


@pytest.mark.parametrize("size, sizes", [(32, (32, 16, 8)), (28, (28, 14, 7))])
def test_stage_shapes(size, sizes):
    model = build(20)
    x = nn.functional.relu(model.bn1(model.conv1(paddle.randn([2, 3, size, size]))))
    for stage, channels, side in zip((model.stage1, model.stage2, model.stage3), (16, 32, 64), sizes):
        x = stage(x)
        assert x.shape == [2, channels, side, side]


@pytest.mark.parametrize("stride, widening", [(1, 0), (2, 2), (2, 3), (2, 0)])
def test_shortcut_subsamples_and_pads_with_zeros(stride, widening):
    block = archs.BasicBlock(4, 4 + widening, stride)
    block.eval()
    # With the last BatchNorm at zero only the shortcut is left.
    block.bn2.weight.set_value(paddle.zeros_like(block.bn2.weight))
    x = np.random.default_rng(0).random((2, 4, 7, 7), dtype=np.float32)
    out = block(paddle.to_tensor(x)).numpy()
    front = widening // 2
    expected = np.zeros((2, 4 + widening, *out.shape[2:]), dtype=np.float32)
    expected[:, front : front + 4] = x[:, :, ::stride, ::stride]
    np.testing.assert_array_equal(out, expected)


def test_convolutions_start_kaiming_normal():
    paddle.seed(0)
    weight = build(20).stage3[1].conv1.weight.numpy()
    assert weight.std() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert abs(weight.mean()) < 0.002


def test_every_parameter_gets_a_gradient():
    model = build(20)
    nn.functional.cross_entropy(model(paddle.randn([4, 3, 32, 32])), paddle.arange(4)).backward()
    for name, parameter in model.named_parameters():
        if not parameter.stop_gradient:
            assert np.abs(parameter.grad.numpy()).sum() > 0, name


@pytest.mark.parametrize("depth", DEPTHS)
def test_registered_under_its_own_name(depth):
    component = registered("arch")[f"CIFARResNet{depth}"]
    assert component.__name__ == f"CIFARResNet{depth}"
    assert f"ResNet-{depth} " in component.__doc__
    assert component is getattr(archs, component.__name__)


@pytest.mark.parametrize("wrong", [{"class_num": 0}, {"class_num": "10"}, {"in_channels": 0}, {"in_channels": True}])
def test_wrong_arguments(wrong):
    (name,) = wrong
    with pytest.raises(ConfigError, match=f"^CIFARResNet: `{name}` must be an integer >= 1"):
        build(20, **wrong)


@pytest.mark.parametrize("depth", [2, 18, 21, 20.0])
def test_wrong_depth(depth):
    with pytest.raises(ConfigError, match="^CIFARResNet: `depth` must be "):
        archs.CIFARResNet(depth)


def test_unknown_keyword():
    with pytest.raises(TypeError, match="pretrained"):
        build(20, pretrained=False)
