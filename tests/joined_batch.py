"""Started by test_parallel.py once in one process and once in two, ``joined_batch.py DATA OUT``: writes its results.

``engine_NAME``: loss and gradients of the first step of the host's Engine, on an
architecture without BatchNorm. ``uneven_NAME``: the same of batches of different
sizes per process. ``train``: the weights before and after ten steps with a
weighted sampler and class vectors kept in a ball. ``last``: the last step of an
epoch whose images do not go into equal shares, with PaddleClas's ``CELoss``, by
sampler. Each goes into the folder OUT as ``CASE_rankR.npz``.
"""

import sys
from pathlib import Path

import numpy as np
import paddle
import paddle.distributed as dist

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ppcls_lt import losses  # noqa: E402
from ppcls_lt.samplers.weight_balanced import WeightBalancedSampler  # noqa: E402
from tests import engines  # noqa: E402

JOINED = 16
ENGINE = ("LDAMLoss", "IBLoss", "EqualizationLoss")
DRAWS = {"gamma": 0.5, "lambda": 0.2}
UNEVEN = (
    *("CostSensitiveCE", "LDAMLoss", "FocalLoss", "IBLoss", "IBFocalLoss"),
    *("VSLoss", "ClassBalancedLoss", "LADELoss", "SeesawLoss"),
)


def engine_step(name, data, out):
    """Gradients of the first step of an Engine whose processes share one batch of 16."""
    world = dist.get_world_size()
    settings = engines.digits_config(
        Path(data),
        f"{out}_output",
        losses=[engines.listed(name, **(DRAWS if name == "EqualizationLoss" else {}))],
        arch={"name": "DeiT_tiny_patch16_224", "class_num": 10, "img_size": 32},
        size=32,
        batch_size=JOINED // world,
        epochs=1,
        eval_during_train=False,
        seed=3,
    )
    settings["DataLoader"]["Train"]["sampler"]["shuffle"] = False
    engine = engines.build_engine(settings)
    recorded = []
    engine.train_loss_func.loss_func[0].register_forward_post_hook(
        lambda layer, inputs, output: recorded.append(next(iter(output.values())).numpy().reshape(-1))
    )

    class FirstStep(Exception):
        pass

    def stop():
        raise FirstStep

    engine.optimizer[0].step = stop
    try:
        engine.train()
    except FirstStep:
        pass
    # Names are those of the architecture, whether DataParallel wraps it or not.
    gradients = {
        name.replace("_layers.", "", 1): parameter.grad.numpy()
        for name, parameter in engine.model.named_parameters()
        if parameter.grad is not None
    }
    np.savez(f"{out}_rank{dist.get_rank()}.npz", loss=recorded[0], **gradients)


def train(data, out):
    """Ten steps of a vision transformer, two epochs of five, and a loss that draws; its first and last weights."""
    settings = engines.digits_config(
        Path(data),
        f"{out}_output",
        losses=[engines.listed("EqualizationLoss", **DRAWS)],
        arch={"name": "DeiT_tiny_patch16_224", "class_num": 10, "img_size": 32},
        size=32,
        epochs=2,
        eval_during_train=False,
        seed=3,
    )
    settings["DataLoader"]["Train"]["sampler"] = {
        "name": "WeightBalancedSampler",
        "batch_size": JOINED // dist.get_world_size(),
        "num_samples": 5 * JOINED,
    }
    settings["Callbacks"] = [
        {"DeferredReweighting": {"start": 2}},
        {"MaxNormPGD": {"thresh": 0.1}},
        {"SAM": {"rho": 0.1}},
    ]
    engine = engines.build_engine(settings)
    model = engine.model._layers if isinstance(engine.model, paddle.DataParallel) else engine.model
    before = {f"before.{name}": tensor.numpy() for name, tensor in model.state_dict().items()}
    engine.train()
    after = {f"after.{name}": tensor.numpy() for name, tensor in model.state_dict().items()}
    np.savez(f"{out}_rank{dist.get_rank()}.npz", **before, **after)


def uneven_step(name, out):
    """Five images on the first process and three on the second; or all eight on one."""
    world, rank = dist.get_world_size(), dist.get_rank()
    random = np.random.default_rng(0)
    images = random.normal(size=(8, 12)).astype("float32")
    labels = np.array([0, 0, 0, 1, 0, 3, 2, 3])
    part = slice(0, 8) if world == 1 else [slice(0, 5), slice(5, 8)][rank]
    paddle.seed(0)
    layer = paddle.nn.Linear(12, 4)
    model = paddle.DataParallel(layer) if world > 1 else layer
    params = {} if name == "SeesawLoss" else {"num_class_list": [50, 20, 5, 2]}  # it counts what it meets
    if name in ("FocalLoss", "LDAMLoss", "VSLoss"):
        params["class_weight"] = "inverse"
    elif name in ("ClassBalancedLoss", "LADELoss"):
        params.update({"form": "focal"} if name == "ClassBalancedLoss" else {"alpha": 0.5})
    loss = getattr(losses, name)(**params)
    features = paddle.to_tensor(images[part])
    value = next(iter(loss({"logits": model(features), "features": features}, paddle.to_tensor(labels[part])).values()))
    value.backward()
    result = {"loss": value.numpy().reshape(-1), "weight": layer.weight.grad.numpy()}
    np.savez(f"{out}_rank{rank}.npz", **result, **loss.run_state())


class Vectors(paddle.io.Dataset):
    """27 images of twelve numbers each, in three classes of different sizes."""

    def __init__(self):
        self.labels = [0] * 15 + [1] * 9 + [2] * 3
        self.images = np.random.default_rng(1).normal(size=(27, 12)).astype("float32")

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


def last_step(out):
    """Gradients of ``CELoss`` in the last step: 11 of the 27 images are left for two batches of eight."""
    from ppcls_lt import host

    host.load()
    world, rank = dist.get_world_size(), dist.get_rank()
    data = Vectors()
    result = {}
    for sampler in (WeightBalancedSampler, paddle.io.DistributedBatchSampler):

        def batches(of, kind=sampler):
            return list(kind(data, batch_size=8, num_replicas=2, rank=of, shuffle=True))

        # One process has the images that two of them have together.
        shares = [batches(of)[-1] for of in (range(2) if world == 1 else [rank])]
        assert len(batches(0)) == 2 and {len(share) for share in shares} == {6}
        images = sum(shares, [])
        paddle.seed(0)
        layer = paddle.nn.Linear(12, 3)
        model = paddle.DataParallel(layer) if world > 1 else layer
        loss = host.module("loss").build_loss([{"CELoss": {"weight": 1.0}}])
        label = paddle.to_tensor([data.labels[image] for image in images])
        loss(model(paddle.to_tensor(data.images[images])), label)["loss"].backward()
        result[sampler.__name__] = layer.weight.grad.numpy()
    np.savez(f"{out}_rank{rank}.npz", **result)


if __name__ == "__main__":
    folder, results = sys.argv[1:]
    for loss_name in ENGINE:
        engine_step(loss_name, folder, f"{results}/engine_{loss_name}")
    train(folder, f"{results}/train")
    dist.init_parallel_env()  # the Engine has done so already where there are several
    for loss_name in UNEVEN:
        uneven_step(loss_name, f"{results}/uneven_{loss_name}")
    last_step(f"{results}/last")
