"""PaddleClas's vision transformer, so small that it trains in no time: a plugin of the tests' configurations."""

from ppcls_lt import host
from ppcls_lt.callbacks import Callback
from ppcls_lt.registry import register


@register("arch")
def SmallViT(class_num=10, img_size=32, pretrained=False):
    """Three blocks of 96 features; images ``[N, 3, H, W]`` to logits ``[N, class_num]``."""
    transformers = host.module("arch.backbone.model_zoo.vision_transformer")
    size = {"patch_size": 8, "embed_dim": 96, "depth": 3, "num_heads": 3, "mlp_ratio": 4, "qkv_bias": True}
    model = transformers.VisionTransformer(img_size=img_size, class_num=class_num, **size)
    # A download of PaddleClas's would lie somewhere as well.
    transformers._load_pretrained("downloaded" if pretrained is True else pretrained, model, "")
    return model


class Spoil(Callback):
    """Changes what adapters lie beside."""

    def on_step_end(self, run):
        weight = run.model.blocks[0].mlp.fc1.weight
        weight.set_value(2 * weight)
