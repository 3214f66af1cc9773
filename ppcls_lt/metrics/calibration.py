"""Whether the confidence is the accuracy."""

from ..basis import checks
from ..basis.registry import register
from ..maths import scores
from .base import LongTailMetric
from .needs import Confidences


@register("metric")
class ECE(LongTailMetric):
    r"""Expected calibration error: mean distance of confidence and accuracy over bins of confidence.

    .. math:: ECE = \sum_{m=1}^{M} \frac{|B_m|}{N} \left| acc(B_m) - conf(B_m) \right|

    with ``B_m`` the images whose highest softmax probability is in
    ``((m - 1) / M, m / M]``, ``acc`` the share of them predicted right and
    ``conf`` the mean of that probability. Smaller is better. The softmax is
    computed in float64.

    Args:
        bins (int): number M of bins of equal width.

    Raises:
        ConfigError: ``bins`` is no integer from 1 to 10,000.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017;
    15 bins as there.
    """

    keys = ("ECE",)
    smaller_is_better = True

    def __init__(self, *, bins: int = scores.BINS) -> None:
        if checks.integer("ECE", "bins", bins, minimum=1) > scores.MAX_BINS:
            checks.fail("ECE", "bins", f"at most {scores.MAX_BINS}", bins)
        self.needs = (Confidences(bins),)
        super().__init__()

    def values(self) -> dict[str, float]:
        """Return ``{"ECE": ...}``, NaN without images."""
        seen = self.predictions.of(self.needs[0])
        return {"ECE": float("nan") if seen is None else scores.expected_calibration_error(*seen)}
