"""Batch samplers that draw the images of rare classes more often."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import images_per_class
from ..data.resampling import class_probabilities, draws, repeated, repeats, shuffles, sorted_by_class
from ..data.sampling_modes import image_weights, mode_parameter, mode_parameters, modes
from ..data.weighting import class_weights
from .inputs import image_indices, image_sizes, labels_of

_OWNER = "WeightBalancedSampler"
_DEFAULT_MODE = "effective_number"


@register("sampler", "ImbalancedDatasetSampler")
class WeightBalancedSampler(paddle.io.BatchSampler):
    """Batches of images drawn with replacement, by the weight of their class.

    An image is drawn with its weight over the sum of all images' weights: the
    class first, then one of its images, which is the same. All processes cut
    their batches from one draw: of every ``batch_size * num_replicas`` images
    of it, process r takes every ``num_replicas``-th from the r-th on. Where the
    last step's images cannot be dealt equally, less than ``num_replicas`` further
    ones are drawn, so that the mean of the processes' means is that of the joined
    batch. The draw is a function of the seed and the epoch, of no global random
    state.

    A mode that repeats (``repeat_factor``, ``every_image``) draws nothing with replacement: an
    epoch has every image, those of rare classes more than once, and is longer than the data.

    Args:
        dataset: the data set; its ``labels`` hold one integer >= 0 per image.
        batch_size (int): images of a batch in each process.
        drop_last (bool): leave out a last batch that is not full in every process.
        shuffle (bool): only true, the order is always random.
        indices (list, array or str): draw from these images only, each as often
            as it is listed; or the path of a text file with one index a line,
            or of a ``.npy`` file.
        num_samples (int): draws an epoch of all processes together, but for what
            deals the last step equally; None means as many as there are images
            to draw from. To be left out with a mode that repeats.
        mode (str): how to weigh an image, a name of :func:`ppcls_lt.data.sampling_modes.modes`;
            None means ``effective_number``.
        total_epochs (int): of a mode that changes over a run, such as ``progressive``:
            from 0 in the first epoch to 1 in the last; None means the number that the run has.
        class_weight (list): instead of ``mode``: the weight of one image of
            each class, numbers >= 0.
        scales (list): for a ``MultiScaleDataset``, which needs it: the sizes of
            images in pixels, integers or [width, height]; each step draws one.
        num_replicas (int): number of processes; None means those there are.
        rank (int): this process; None means the one it is.
        seed (int): >= 0; None means that of the run, or 0 outside of one.
        **parameters (float): that of the mode: ``beta`` of ``effective_number`` (default
            0.9999), ``exponent`` of ``power``, ``oversample_thr`` of ``repeat_factor`` (default one over the classes
            that have images), ``times`` of ``every_image`` (default 2), and what further modes take.

    Raises:
        ConfigError: an argument is not what it must be, a data set without such
            labels, or an epoch without a batch.

    Source: the ``ImbalancedDatasetSampler`` of Park et al., ICCV 2021, and the
    rules of Kang et al., ICLR 2020. Deviations: the number of classes is not
    taken from the labels that occur, and several processes share one draw.
    """

    # A step's images are dealt out to the processes one by one.
    interleaves = True

    def __init__(
        self,
        dataset: paddle.io.Dataset,
        *,
        batch_size: int,
        drop_last: bool = False,
        shuffle: bool = True,
        indices: Sequence[int] | np.ndarray | str | None = None,
        num_samples: int | None = None,
        mode: str | None = None,
        total_epochs: int | None = None,
        class_weight: Sequence[float] | np.ndarray | None = None,
        scales: Sequence | None = None,
        num_replicas: int | None = None,
        rank: int | None = None,
        seed: int | None = None,
        **parameters: float | None,
    ) -> None:
        # Not BatchSampler.__init__: it would make a sampler of its own.
        self.batch_size = checks.integer(_OWNER, "batch_size", batch_size, minimum=1)
        self.drop_last = checks.flag(_OWNER, "drop_last", drop_last)
        self.shuffle = checks.flag(_OWNER, "shuffle", shuffle)
        if not shuffle:
            checks.fail(_OWNER, "shuffle", "true or left out (images are drawn at random)", shuffle)
        self.num_replicas = paddle.distributed.get_world_size() if num_replicas is None else num_replicas
        checks.integer(_OWNER, "num_replicas", self.num_replicas, minimum=1)
        self.rank = paddle.distributed.get_rank() if rank is None else rank
        if checks.integer(_OWNER, "rank", self.rank, minimum=0) >= self.num_replicas:
            checks.fail(_OWNER, "rank", f"below `num_replicas`, which is {self.num_replicas}", rank)
        self._seed = None if seed is None else checks.integer(_OWNER, "seed", seed, minimum=0)
        self._check_rule(mode, parameters, total_epochs, class_weight, num_samples)
        self.mode = _DEFAULT_MODE if mode is None else mode
        self._parameters = parameters
        self._total_epochs = total_epochs
        self._scales = image_sizes(_OWNER, scales, dataset)

        labels = labels_of(_OWNER, dataset)
        if indices is not None:
            indices = image_indices(_OWNER, indices, labels.size)
            labels = labels[indices]
        self._indices = indices
        self._labels = labels.astype(np.min_scalar_type(labels.max()))
        self._counts = images_per_class(self._labels)
        self._class_weight: Any = None
        if class_weight is not None:
            # The last classes of the list may have no image here.
            self._counts = np.pad(self._counts, (0, max(0, len(class_weight) - self._counts.size)))
            self._class_weight = class_weights(class_weight, self._counts, owner=_OWNER)
            if not self._class_weight[self._counts > 0].any():
                got = checks.described("only zeros for them")
                checks.fail(_OWNER, "class_weight", "above 0 for a class that has images", got)

        self.num_samples = self._length(labels.size) if num_samples is None else num_samples
        checks.integer(_OWNER, "num_samples", self.num_samples, minimum=1)
        self._check_last_batch()
        self.epoch = 0
        self._run_seed = 0
        self._run_epochs: int | None = None
        self._first_weighted_epoch = 0

    def __iter__(self) -> Iterator[list]:
        # Drawn at once, not with the first batch: the loader may ask for that one in a thread,
        # when `epoch` is no longer what it was.
        images = self.draw(self.epoch)
        sizes = None
        if self._scales is not None:
            sizes = self._generator(self.epoch, "scales").integers(len(self._scales), size=len(self))
        self.epoch += 1
        return self._batches(images, sizes)

    def __len__(self) -> int:
        full, rest = divmod(self.num_samples, self.batch_size * self.num_replicas)
        return full + (not self.drop_last and rest > 0)

    def set_epoch(self, epoch: int) -> None:
        """Make the next iteration that of ``epoch``, counted from 0; iterations then count on."""
        self.epoch = checks.integer(_OWNER, "epoch", epoch, minimum=0)

    def join_run(self, *, seed: int, epochs: int) -> None:
        """Take from a run what the configuration left open.

        Args:
            seed (int): used unless the sampler was given one.
            epochs (int): the epochs of the run, likewise for ``total_epochs``.
        """
        self._run_seed = checks.integer(_OWNER, "seed", seed, minimum=0)
        self._run_epochs = checks.integer(_OWNER, "epochs", epochs, minimum=0)

    def defer(self, start_epoch: int) -> None:
        """Shuffle the images without weights before ``start_epoch``, counted from 0.

        An epoch then holds every image once, but for what deals the last step
        equally; with ``num_samples`` above N several shuffles one after the
        other, below N the first of one.
        """
        self._first_weighted_epoch = checks.integer(_OWNER, "start_epoch", start_epoch, minimum=0)

    def draw(self, epoch: int) -> np.ndarray:
        """Return the images of one epoch, of all processes, in their order.

        Args:
            epoch (int): counted from 0.

        Returns:
            int32 or int64 array ``[num_samples]``, without ``drop_last`` longer
            by what makes it a multiple of ``num_replicas``.

        Raises:
            ConfigError: mode ``progressive`` outside a run without ``total_epochs``.
        """
        generator = self._generator(epoch, "images")
        if epoch < self._first_weighted_epoch:
            return shuffles(generator, self.num_samples + self._added, self._images)
        weights = self._image_weights(epoch)
        if self._repeats:
            return repeats(generator, self._images, self._counts, weights, more=self._added)
        probabilities = class_probabilities(weights, self._counts)
        return draws(generator, self.num_samples, self._images, self._counts, probabilities, more=self._added)

    @staticmethod
    def further_parameters() -> list[str]:
        """The names that ``**parameters`` may have: what the modes take."""
        return mode_parameters()

    def class_shares(self, epoch: int) -> np.ndarray:
        """Return the share of the draws of an epoch, counted from 0, that each class has on average: ``[C]``."""
        weights = np.ones(self._counts.size) if epoch < self._first_weighted_epoch else self._image_weights(epoch)
        return class_probabilities(weights, self._counts)

    @property
    def images_per_process(self) -> int:
        """Images of an epoch in each process, where no batch is dropped."""
        return (self.num_samples + self._added) // self.num_replicas

    @property
    def _added(self):
        """Further draws of an epoch, with which every process has equally many images in the last step."""
        return 0 if self.drop_last else -self.num_samples % self.num_replicas

    @property
    def _repeats(self):
        """Whether an epoch shows every image, and some of them again."""
        return self._class_weight is None and modes()[self.mode].repeats

    def _length(self, images):
        """The images of an epoch where none are stated."""
        return repeated(self._counts, self._image_weights(0)) if self._repeats else images

    @functools.cached_property
    def _images(self):
        """The images sorted by class: made with the first draw, for which the labels are given up."""
        images = sorted_by_class(self._labels, self._counts, self._indices)
        self._labels = self._indices = None
        return images

    def _check_rule(self, mode, parameters, total_epochs, class_weight, num_samples):
        """Raise unless the arguments say in one way how images are weighed."""
        for name in parameters:
            checks.known_name(_OWNER, "parameter", name, mode_parameters())
        if class_weight is not None:
            if not isinstance(class_weight, (list, tuple, np.ndarray)):
                checks.fail(_OWNER, "class_weight", "a list with one number per class", class_weight)
            for name, value in {"mode": mode, **parameters, "total_epochs": total_epochs}.items():
                if value is not None:
                    checks.fail(_OWNER, name, "left out with `class_weight`, which replaces it", value)
            return
        mode = _DEFAULT_MODE if mode is None else mode
        entry = modes().get(mode) if isinstance(mode, str) else None
        over_run = entry is not None and entry.over_run
        mode_parameter(mode, {**parameters, **({entry.parameter: 0} if over_run else {})}, owner=_OWNER)
        if entry is not None and entry.repeats and num_samples is not None:
            checks.fail(_OWNER, "num_samples", f"left out with mode {mode!r}, which shows every image", num_samples)
        if total_epochs is not None:
            checks.integer(_OWNER, "total_epochs", total_epochs, minimum=1)
            if not over_run:
                checks.fail(_OWNER, "total_epochs", f"left out with mode {mode!r}", total_epochs)

    def _check_last_batch(self):
        """Raise if an epoch has no batch; say once if the last step needs further draws."""
        if len(self) == 0:
            expected = f"at least {self.batch_size * self.num_replicas}, for one batch in every process"
            checks.fail(_OWNER, "num_samples", expected, self.num_samples)
        if self._added and self.rank == 0:
            logging.getLogger("ppcls.lt").info(
                f"{_OWNER}: {self.num_samples + self._added} draws in every epoch instead of {self.num_samples}, so "
                f"that each of the {self.num_replicas} processes has equally many images in the last step"
            )

    def _generator(self, epoch, purpose):
        seed = self._run_seed if self._seed is None else self._seed
        entropy = [seed, epoch, ("images", "scales").index(purpose)]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))

    def _image_weights(self, epoch):
        if self._class_weight is not None:
            return self._class_weight
        entry = modes()[self.mode]
        if not entry.over_run:
            return image_weights(self.mode, self._counts, **self._parameters)
        total = self._run_epochs if self._total_epochs is None else self._total_epochs
        if total is None:
            checks.fail(_OWNER, "total_epochs", f"given with mode {self.mode!r} outside a run", None)
        progress = min(1.0, epoch / max(1, total - 1))
        return image_weights(self.mode, self._counts, **self._parameters, **{entry.parameter: progress})

    def _batches(self, images, sizes):
        together = self.batch_size * self.num_replicas
        for step in range(len(self)):
            first = step * together
            batch = images[first + self.rank : first + together : self.num_replicas].tolist()
            yield batch if sizes is None else [(*self._scales[sizes[step]], image) for image in batch]
