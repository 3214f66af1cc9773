"""Two trainings in processes of their own, stock and with a recipe, that take turns step by step."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[2]


class Size(NamedTuple):
    """How large a training is."""

    counts: list  # training images per class
    pixels: int
    batch: int  # images a step, of all processes together
    warm_up: int  # epochs before the first that counts
    arch: str = "ResNet18"
    threads: int = 2  # of all processes of one training together


def write_images(folder, size):
    """Write JPEG images of noise on a colour, the list ``train.txt`` of them and ``test.txt``, one image a class."""
    from PIL import Image

    generator = np.random.default_rng(0)
    for split, counts in {"train": size.counts, "test": [1] * len(size.counts)}.items():
        (folder / split).mkdir()
        lines = []
        for label, images in enumerate(counts):
            colour = np.random.default_rng(label).integers(32, 224, size=3)
            for i in range(images):
                noise = generator.integers(-32, 32, size=(size.pixels, size.pixels, 3))
                name = f"{split}/{label}_{i}.jpg"
                Image.fromarray((colour + noise).astype(np.uint8)).save(folder / name, quality=90)
                lines.append(f"{name} {label}\n")
        (folder / f"{split}.txt").write_text("".join(lines), "utf-8")


def in_turns(data, recipe, size, rounds, processes=1):
    """Train both, step by step in turns, an order that alternates.

    Args:
        data (Path): what :func:`write_images` wrote.
        recipe (str): the recipe's name.
        size (Size): of the training.
        rounds (int): epochs that count; one more follows, with what a stage does at its end.
        processes (int): of each training.

    Returns:
        dict: ``stock`` and ``recipe`` -> for every turn the seconds by part.
    """
    folder = Path(tempfile.mkdtemp(prefix="pair_"))
    epochs = size.warm_up + rounds + 1
    pair = {}
    try:
        for name in ("stock", "recipe"):
            ours = name == "recipe"
            # Stock goes on as long as the recipe has epochs, those of a second stage too.
            settings = _config(data, folder / name / "out", size, processes, epochs if ours else 2 * epochs, ours)
            pair[name] = _Training(folder / name, settings, recipe if ours else None, processes, size.threads)
        for training in pair.values():
            training.connect()
        seconds = {name: [] for name in pair}
        while not pair["recipe"].done:
            os.sync()  # so that neither waits for what the other has written
            left, order = list(pair), list(pair)[:: 1 if len(seconds["stock"]) % 2 == 0 else -1]
            while left:
                for name in [name for name in order if name in left]:
                    epoch = pair[name].step()
                    if epoch is not None:
                        seconds[name].append(epoch)
                        left.remove(name)
                order.reverse()
        return seconds
    finally:
        for training in pair.values():
            training.end()
        shutil.rmtree(folder, ignore_errors=True)


def _config(data, output, size, processes, epochs, ours):
    """The configuration that both train with; ours has one metric more."""
    normalize = {"scale": "1.0/255.0", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "order": ""}

    def loader(split, *augmentation, **sampler):
        decode = {"DecodeImage": {"to_rgb": True, "channel_first": False}}
        return {
            "dataset": {
                "name": "ImageNetDataset",
                "image_root": str(data),
                "cls_label_path": str(data / f"{split}.txt"),
                "transform_ops": [decode, *augmentation, {"NormalizeImage": normalize}],
            },
            "sampler": {"name": "DistributedBatchSampler", "batch_size": size.batch // processes, **sampler},
            "loader": {"num_workers": 0, "use_shared_memory": False},
        }

    augmentation = {"RandCropImage": {"size": size.pixels}}, {"RandFlipImage": {"flip_code": 1}}
    # The host chooses its best model by the first, which is 1 always: so both save one, in the first epoch.
    metrics = [{"TopkAcc": {"topk": [len(size.counts), 1, 5]}}]
    if ours:
        metrics.append({"ManyMediumFewAcc": {"num_class_list": "auto", "thresholds": "tertiles"}})
    return {
        "Global": {
            "checkpoints": None,
            "pretrained_model": None,
            "output_dir": str(output),
            "device": "cpu",
            "save_interval": epochs + 1,
            "eval_during_train": True,
            "eval_interval": 1,
            "epochs": epochs,
            "print_batch_step": 10,
            "use_visualdl": False,
            "seed": 0,
            "image_shape": [3, size.pixels, size.pixels],
        },
        "Arch": {"name": size.arch, "class_num": len(size.counts)},
        "Loss": {"Train": [{"CELoss": {"weight": 1.0}}], "Eval": [{"CELoss": {"weight": 1.0}}]},
        "Optimizer": {
            "name": "Momentum",
            "momentum": 0.9,
            "lr": {"name": "Cosine", "learning_rate": 0.01},
            "regularizer": {"name": "L2", "coeff": 0.0005},
        },
        "DataLoader": {
            "Train": loader("train", *augmentation, drop_last=True, shuffle=True),
            "Eval": loader("test", {"ResizeImage": {"size": size.pixels}}, drop_last=False, shuffle=False),
        },
        "Metric": {"Train": [{"TopkAcc": {"topk": [1, 5]}}], "Eval": metrics},
    }


class _Training:
    """A training, ``step_worker.py``, that waits before every epoch and after every step."""

    def __init__(self, folder, settings, recipe, processes, threads):
        folder.mkdir()
        self._folder = folder
        (folder / "config.yaml").write_text(yaml.safe_dump(settings), "utf-8")
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(folder / "socket"))
        self._server.listen(processes)
        self._server.settimeout(0.5)
        worker = [Path(__file__).with_name("step_worker.py"), folder / "socket", folder / "config.yaml"]
        launch = ["-m", "paddle.distributed.launch", "--nproc_per_node", processes, "--log_dir", folder / "logs"]
        command = [*(launch if processes > 1 else []), *worker, *([] if recipe is None else [recipe])]
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        with open(folder / "log.txt", "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [sys.executable, *map(str, command)],
                cwd=folder,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(paths),
                    "OMP_NUM_THREADS": str(threads // processes),
                    "KMP_BLOCKTIME": "0",  # threads that have nothing to do must not hold up the other training's
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes = processes
        self._workers = []
        self.done = False

    def connect(self):
        """Wait until it has built what it trains."""
        while len(self._workers) < self._processes:
            try:
                connection, _ = self._server.accept()
            except TimeoutError:
                if self._process.poll() is not None:
                    self._fail()
                continue
            connection.setblocking(True)
            with connection:
                self._workers.append(connection.makefile("rw"))
        self._read()

    def step(self):
        """Let it go on to the end of its next step, or to that of the epoch with evaluation and saving.

        Returns:
            dict or None: at the end of an epoch the seconds of its slowest process, by part.
        """
        for worker in self._workers:
            worker.write("go\n")
            worker.flush()
        return self._read()

    def end(self):
        """End it, wherever it is."""
        self._server.close()
        for worker in self._workers:
            with contextlib.suppress(BrokenPipeError):
                worker.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _read(self):
        lines = [worker.readline() for worker in self._workers]
        if not all(lines):
            self._process.wait(timeout=60)
            self._fail()
        reports = [json.loads(line) for line in lines]
        self.done = reports[0]["done"]
        epochs = [report["seconds"] for report in reports]
        return None if epochs[0] is None else max(epochs, key=lambda seconds: seconds.get("whole", 0.0))

    def _fail(self):
        logs = [self._folder / "log.txt", *sorted(self._folder.glob("logs/workerlog.*"))]
        text = "".join(path.read_text("utf-8", errors="replace")[-3000:] for path in logs)
        raise RuntimeError(f"a training ended with status {self._process.returncode}:\n{text}")
