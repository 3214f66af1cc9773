"""What a callback is: the points of a training it may act at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from ..engine.run import Run


class Callback:
    """Base of everything in the YAML list ``Callbacks``.

    A subclass takes its YAML parameters as keyword-only arguments, checks them
    in ``__init__`` and overrides the points it needs. Every point is given the
    run, a :class:`ppcls_lt.engine.run.Run`. In a run of several processes every
    process calls every point, in the same order.

    A callback should be a function of ``run.epoch`` wherever it can, so that a
    resumed run needs nothing stored; what cannot be derived belongs in
    ``state_dict``.
    """

    # Whether a second entry of the same class in a list is a mistake.
    only_once = False
    # Whether it asks for the model's final Linear, which not every architecture has.
    needs_classifier = False

    def check(self, config: dict) -> None:
        """Raise ``ConfigError`` on what the rest of the configuration rules out.

        Called before any data are read.

        Args:
            config (dict): the configuration of this stage.
        """

    def coming_class_weights(self, counts: np.ndarray, epochs: int) -> tuple[int, np.ndarray | None] | None:
        """Return ``(epoch, weights)`` of class weights that it will set: from which epoch on, ``[C]``; None without.

        Args:
            counts (array): training images per class ``[C]``.
            epochs (int): of the run.
        """
        return None

    def first_epochs(self, epochs: int) -> dict[str, int]:
        """Return ``loss`` or ``sampler`` -> the first epoch in which what the configuration states of it holds.

        Args:
            epochs (int): of the run.
        """
        return {}

    def on_model_built(self, run: Run) -> None:
        """The model is built and ``Global.pretrained_model`` loaded; no optimizer, AMP or DataParallel yet."""

    def on_checkpoint_loaded(self, run: Run) -> None:
        """Everything is built and, if ``run.resumed``, restored; called once, before the first epoch."""

    def announcement(self, run: Run) -> str | None:
        """A line for the log about what it will do and when, or None; called after ``on_checkpoint_loaded``."""

    def on_epoch_start(self, run: Run) -> None:
        """``run.epoch`` (counted from 1) begins; no batch has been read."""

    def on_gradients(self, run: Run, passes: list) -> None:
        """The gradients of an update are there, and the optimizer is about to use them. Never wait for the device here.

        Args:
            run (Run): the run.
            passes (list of ppcls_lt.host.steps.Pass): the batches that they are of, more than one with
                ``update_freq``; each can be passed forward and backward again, which adds to the gradients.
        """

    def on_step_end(self, run: Run) -> None:
        """The optimizer has updated the weights. Never wait for the device here."""

    def on_epoch_end(self, run: Run) -> None:
        """The last batch of ``run.epoch`` is done; evaluation and saving follow."""

    def before_evaluation(self, run: Run) -> None:
        """Every callback has had ``on_epoch_end``: what the model holds after this is evaluated and saved.

        Called after every epoch, whether an evaluation follows or not.
        """

    def on_save(self, run: Run, weights: dict[str, Any]) -> None:
        """A checkpoint is about to be written; called on every process, written by the first.

        Args:
            run (Run): the run.
            weights (dict): name -> tensor, what will be written. Entries may be
                replaced or removed; the tensors are the model's own and must
                not be changed in place.
        """

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs of this callback: a dict of numbers, strings and NumPy arrays."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what ``state_dict`` gave; called before ``on_checkpoint_loaded``."""
