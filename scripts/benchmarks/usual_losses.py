"""The formulas of the losses as they are usually written: dense masks, one step after the other.

``in_paddle`` and ``in_torch`` return the same functions, each of ``(logits,
label, features)``, a scalar. Both write down the papers' formulas with what the
framework offers, as public ports do; neither is anybody's code.
"""

ALPHA, EPSILON, GAMMA, SCALE = 1000.0, 0.001, 2.0, 30.0


def in_paddle(weights, margins):
    """Losses and the normalised classifier in Paddle, from class weights and margins, arrays ``[C]``."""
    import paddle
    import paddle.nn.functional as F

    weights = paddle.to_tensor(weights, dtype="float32")
    margins = paddle.to_tensor(margins, dtype="float32")
    classes = weights.shape[0]

    def ce(logits, label, features):
        return F.cross_entropy(logits, label, weight=weights)

    def focal(logits, label, features):
        each = F.cross_entropy(logits, label, reduction="none")
        return ((1 - paddle.exp(-each)) ** GAMMA * each).mean()

    def factor(logits, label, features):
        distance = (F.softmax(logits, axis=1) - F.one_hot(label, classes)).abs().sum(axis=1)
        return ALPHA / (distance * features.abs().sum(axis=1) + EPSILON)

    def ib(logits, label, features):
        each = F.cross_entropy(logits, label, weight=weights, reduction="none")
        return (each.flatten() * factor(logits, label, features)).mean()

    def ib_focal(logits, label, features):
        each = F.cross_entropy(logits, label, weight=weights, reduction="none").flatten()
        return ((1 - paddle.exp(-each)) ** 1.0 * each * factor(logits, label, features)).mean()

    def ldam(logits, label, features):
        mask = F.one_hot(label, classes)
        margin = paddle.matmul(mask, margins.unsqueeze(1))
        shifted = paddle.where(mask.astype("bool"), logits - margin, logits)
        return F.cross_entropy(SCALE * shifted, label)

    def normalized(x, weight):
        return SCALE * paddle.matmul(F.normalize(x, axis=1), F.normalize(weight, axis=0))

    return {
        "CostSensitiveCE": ce,
        "FocalLoss": focal,
        "IBLoss": ib,
        "IBFocalLoss": ib_focal,
        "LDAMLoss": ldam,
        "normalized": normalized,
    }


def in_torch(weights, margins):
    """The same in PyTorch."""
    import torch
    import torch.nn.functional as F

    weights = torch.tensor(weights, dtype=torch.float32)
    margins = torch.tensor(margins, dtype=torch.float32)
    classes = len(weights)

    def ce(logits, label, features):
        return F.cross_entropy(logits, label, weight=weights)

    def focal(logits, label, features):
        each = F.cross_entropy(logits, label, reduction="none")
        return ((1 - torch.exp(-each)) ** GAMMA * each).mean()

    def factor(logits, label, features):
        distance = (F.softmax(logits, dim=1) - F.one_hot(label, classes)).abs().sum(dim=1)
        return ALPHA / (distance * features.abs().sum(dim=1) + EPSILON)

    def ib(logits, label, features):
        each = F.cross_entropy(logits, label, weight=weights, reduction="none")
        return (each * factor(logits, label, features)).mean()

    def ib_focal(logits, label, features):
        each = F.cross_entropy(logits, label, weight=weights, reduction="none")
        return ((1 - torch.exp(-each)) ** 1.0 * each * factor(logits, label, features)).mean()

    def ldam(logits, label, features):
        mask = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, label.unsqueeze(1), True)
        margin = torch.matmul(mask.float(), margins.unsqueeze(1))
        shifted = torch.where(mask, logits - margin, logits)
        return F.cross_entropy(SCALE * shifted, label)

    def normalized(x, weight):
        return SCALE * torch.matmul(F.normalize(x, dim=1), F.normalize(weight, dim=0))

    return {
        "CostSensitiveCE": ce,
        "FocalLoss": focal,
        "IBLoss": ib,
        "IBFocalLoss": ib_focal,
        "LDAMLoss": ldam,
        "normalized": normalized,
    }
