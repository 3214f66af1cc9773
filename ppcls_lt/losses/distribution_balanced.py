"""Distribution-balanced loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..maths.distribution_balanced import negative_tolerant, rebalanced_weights
from .several_labels import SeveralLabelsLoss

# Of the authors' runs on COCO-MLT.
_MAP = {"alpha": 0.1, "beta": 10.0, "gamma": 0.2}
_LOGITS = {"neg_scale": 2.0, "init_bias": 0.05}
_FOCAL = {"gamma": 2.0, "balance_param": 2.0}
_OWNER = "DistributionBalancedLoss"


@register("loss")
class DistributionBalancedLoss(SeveralLabelsLoss):
    r"""Binary losses of all classes, weighted by how seldom a label occurs alone, with tolerance of what is absent.

    .. math:: L = \frac{b}{N C} \sum_{i, c} \hat r_{ic} \Big[ y_{ic} (1 - q)^\gamma \log(1 + e^{-(z_{ic} - \nu_c)})
        + \frac{1 - y_{ic}}{\lambda} (1 - q)^\gamma \log(1 + e^{\lambda (z_{ic} - \nu_c)}) \Big]

    with ``q`` the exponential of minus the logarithm beside it,
    ``r_hat = alpha + sigmoid(beta (r - mu))``, ``r_ic = (1 / n_c) / sum_{k: y_ik = 1} 1 / n_k`` and
    ``nu_c = kappa / lambda log(N_all / n_c - 1)``.

    Args:
        num_class_list (list of int or str): training images with each label ``n_c``.
        num_images (int or str): all training images ``N_all``; ``auto`` (of the Engine's data).
        map_param (dict): ``alpha``, ``beta`` and ``gamma``, which is ``mu``, of the weights.
        logit_reg (dict): ``neg_scale``, which is ``lambda``, and ``init_bias``, which is ``kappa``.
        focal (dict or None): ``gamma`` and ``balance_param``, which is ``b``; None for neither.
        allow_empty_classes (bool): accept labels without images, which count as if they had one.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Wu et al., "Distribution-Balanced Loss for Multi-Label Classification
    in Long-Tailed Datasets", ECCV 2020, and its code, whose defaults for COCO-MLT
    these are. Deviation: a label that every image has counts as one that half
    an image lacks; the code's bias is infinite there.
    """

    result_key = _OWNER

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        num_images: int | str = "auto",
        map_param: dict | None = None,
        logit_reg: dict | None = None,
        focal: dict | None = _FOCAL,
        allow_empty_classes: bool = False,
    ) -> None:
        super().__init__(num_class_list=num_class_list, allow_empty_classes=allow_empty_classes)
        if num_images == "auto":
            expected = "an integer (`auto` is resolved only when PaddleClas's Engine builds the training data set)"
            checks.fail(_OWNER, "num_images", expected, num_images)
        whole = checks.integer(_OWNER, "num_images", num_images, minimum=1)
        if whole < self.counts.max():
            checks.fail(_OWNER, "num_images", f"at least the images of each label ({self.counts.max()})", whole)
        self.map_param = _filled("map_param", map_param, _MAP, alpha={"minimum": 0}, beta={}, gamma={})
        self.logit_reg = _filled("logit_reg", logit_reg, _LOGITS, neg_scale={"above": 0}, init_bias={})
        none = {"gamma": 0.0, "balance_param": 1.0}
        bounds = {"gamma": {"minimum": 0}, "balance_param": {"above": 0}}
        self.focal = none if focal is None else _filled("focal", focal, _FOCAL, **bounds)
        images = np.clip(self.counts.astype(np.float64), 1.0, whole - 0.5)
        scale = self.logit_reg["init_bias"] / self.logit_reg["neg_scale"]
        self._store("inverse", 1.0 / images)
        self._store("bias", -scale * np.log(whole / images - 1.0))

    def of_labels(self, logits: paddle.Tensor, label: paddle.Tensor, weights: paddle.Tensor | None) -> paddle.Tensor:
        """The loss of each image, added up over the classes: ``[N]``."""
        inverse, bias = self._vector("inverse", logits.dtype), self._vector("bias", logits.dtype)
        balanced = rebalanced_weights(label, inverse, **self.map_param)
        if weights is not None:  # of DeferredReweighting
            balanced = balanced * weights
        losses = negative_tolerant(logits, label, balanced, bias, self.logit_reg["neg_scale"], self.focal["gamma"])
        return self.focal["balance_param"] * losses


def _filled(name: str, given: Any, defaults: dict, **bounds: dict) -> dict[str, float]:
    """A map of numbers with its defaults filled in."""
    if given is None:
        given = {}
    if not isinstance(given, dict):
        checks.fail(_OWNER, name, f"a map of {', '.join(defaults)}", given)
    for key in given:
        checks.known_name(_OWNER, f"parameter of `{name}`", key, defaults, key=f"{name}.{key}")
    return {
        key: checks.number(_OWNER, f"{name}.{key}", given.get(key, defaults[key]), **bounds[key]) for key in defaults
    }
