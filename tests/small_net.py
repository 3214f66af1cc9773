"""A network that trains in no time and draws at random: a plugin of the tests' configurations."""

from paddle import nn

from ppcls_lt.registry import register


@register("arch")
class SmallNet(nn.Layer):
    """Two convolutions, dropout and a classifier; images ``[N, 3, H, W]`` to logits ``[N, class_num]``."""

    def __init__(self, class_num=10, dropout_prob=0.2):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2D(3, 8, 3, stride=2, padding=1), nn.BatchNorm2D(8), nn.ReLU()),
            *(nn.Conv2D(8, 8, 3, padding=1), nn.BatchNorm2D(8), nn.ReLU()),
            *(nn.AdaptiveAvgPool2D(2), nn.Flatten(), nn.Dropout(dropout_prob)),
        )
        self.fc = nn.Linear(32, class_num)

    def forward(self, x):
        return self.fc(self.features(x))
