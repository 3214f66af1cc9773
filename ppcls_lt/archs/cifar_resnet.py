"""The ResNets for CIFAR and other small images, which PaddleClas lacks.

Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
section 4.2, with the parameter-free shortcut (option A) used there.
"""

import paddle
import paddle.nn.functional as F
from paddle import nn

from ..basis import checks
from ..basis.registry import register


class CIFARResNet(nn.Layer):
    """A ResNet of 6n + 2 layers: one convolution, three stages of n blocks, one linear layer.

    The stages have 16, 32 and 64 channels; the second and third halve the image.

    Args:
        depth (int): 6n + 2, at least 8.
        class_num (int): the number of classes C.
        in_channels (int): channels of the image.

    Shapes:
        images ``[N, in_channels, H, W]`` to logits ``[N, C]``, for any H and W.

    Raises:
        ConfigError: an argument is out of range.
    """

    def __init__(self, depth: int, class_num: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        owner = "CIFARResNet"
        depth = checks.integer(owner, "depth", depth, minimum=8)
        if depth % 6 != 2:
            checks.fail(owner, "depth", "6n + 2, e.g. 20, 32 or 56", depth)
        class_num = checks.integer(owner, "class_num", class_num, minimum=1)
        in_channels = checks.integer(owner, "in_channels", in_channels, minimum=1)
        blocks = (depth - 2) // 6
        self.conv1 = _conv3x3(in_channels, 16)
        self.bn1 = nn.BatchNorm2D(16)
        self.stage1 = _stage(16, 16, 1, blocks)
        self.stage2 = _stage(16, 32, 2, blocks)
        self.stage3 = _stage(32, 64, 2, blocks)
        self.fc = nn.Linear(64, class_num)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.stage3(self.stage2(self.stage1(x)))
        return self.fc(x.mean(axis=[2, 3]))


class BasicBlock(nn.Layer):
    """Two 3x3 convolutions and a shortcut without parameters.

    Where the block strides, the shortcut takes every second pixel; where it
    widens, it adds channels of zeros.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output, >= ``in_channels``.
        stride (int): 1, or 2 to halve the image.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv3x3(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2D(out_channels)
        self.conv2 = _conv3x3(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2D(out_channels)
        self.stride = stride
        self.widening = out_channels - in_channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        if self.widening:
            # Concatenated, not padded: Paddle Inference's oneDNN passes corrupt memory
            # where the channel axis is padded.
            front = paddle.zeros_like(x[:, : self.widening // 2])
            back = paddle.zeros_like(x[:, : self.widening - self.widening // 2])
            x = paddle.concat([front, x, back], axis=1)
        return F.relu(out + x)


def _stage(in_channels, out_channels, stride, blocks):
    first = BasicBlock(in_channels, out_channels, stride)
    return nn.Sequential(first, *(BasicBlock(out_channels, out_channels, 1) for _ in range(blocks - 1)))


def _conv3x3(in_channels, out_channels, stride=1):
    return nn.Conv2D(
        in_channels,
        out_channels,
        3,
        stride=stride,
        padding=1,
        weight_attr=nn.initializer.KaimingNormal(),
        bias_attr=False,
    )


@register("arch")
def CIFARResNet8(class_num: int = 10, in_channels: int = 3) -> CIFARResNet:
    """ResNet-8 for small images: one block per stage, for quick trials, 0.08 million parameters."""
    return CIFARResNet(8, class_num, in_channels)


@register("arch")
def CIFARResNet20(class_num: int = 10, in_channels: int = 3) -> CIFARResNet:
    """ResNet-20 for small images: three blocks per stage, 0.27 million parameters."""
    return CIFARResNet(20, class_num, in_channels)


@register("arch")
def CIFARResNet32(class_num: int = 10, in_channels: int = 3) -> CIFARResNet:
    """ResNet-32 for small images: five blocks per stage, 0.46 million parameters."""
    return CIFARResNet(32, class_num, in_channels)


@register("arch")
def CIFARResNet44(class_num: int = 10, in_channels: int = 3) -> CIFARResNet:
    """ResNet-44 for small images: seven blocks per stage, 0.66 million parameters."""
    return CIFARResNet(44, class_num, in_channels)


@register("arch")
def CIFARResNet56(class_num: int = 10, in_channels: int = 3) -> CIFARResNet:
    """ResNet-56 for small images: nine blocks per stage, 0.85 million parameters."""
    return CIFARResNet(56, class_num, in_channels)


@register("arch")
def CIFARResNet110(class_num: int = 10, in_channels: int = 3) -> CIFARResNet:
    """ResNet-110 for small images: 18 blocks per stage, 1.7 million parameters."""
    return CIFARResNet(110, class_num, in_channels)
