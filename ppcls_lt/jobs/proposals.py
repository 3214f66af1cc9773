"""What Optuna proposes for a recipe, kept in a journal beside the trials, so that what was cut off goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .space import Space, sampler


class Proposals:
    """The trials of a recipe; trial 0 is the recipe as it is.

    The journal says what was proposed. What the next trials are proposed from is one judgement of all trials before:
    the scores of two judgements, of other candidates or seeds or by another measure, are not of one scale.

    Args:
        journal (Path): Optuna's file.
        name (str): of the recipe.
        space (Space): what is tuned.
    """

    def __init__(self, journal: Path, name: str, space: Space) -> None:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._distributions = space.distributions()
        self._study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(journal))),
            study_name=name,
            direction="maximize",
            load_if_exists=True,
        )
        if not self._kept():
            self._keep(space.params())

    def params(self, numbers: Sequence[int], scores: Mapping[int, float]) -> list[dict[str, float]]:
        """Return the values of trials, proposed now where they were not before.

        Args:
            numbers (sequence of int): of the trials, one after the other, behind those there.
            scores (mapping): number -> score of the trials before them that were judged, of one judgement.
        """
        import optuna

        kept = self._kept()
        proposing = optuna.create_study(direction="maximize")
        for number, score in sorted(scores.items()):
            if number < numbers[0]:
                made = {"params": kept[number].params, "distributions": self._distributions, "value": score}
                proposing.add_trial(optuna.trial.create_trial(**made))
        for number in numbers[max(len(kept) - numbers[0], 0) :]:
            proposing.sampler = sampler(number)
            self._keep(proposing.ask(self._distributions).params)
        kept = self._kept()
        return [kept[number].params for number in numbers]

    def tell(self, scores: Mapping[int, float]) -> None:
        """Say in the journal what trials came to, for Optuna's own tools; the first time stands."""
        for trial in self._kept():
            if trial.number in scores and not trial.state.is_finished():
                self._study.tell(trial.number, scores[trial.number])

    def _kept(self):
        return self._study.get_trials(deepcopy=False)

    def _keep(self, params):
        """Write a trial at once with its values, so that none without them is ever there."""
        from optuna.trial import TrialState, create_trial

        state = TrialState.RUNNING
        self._study.add_trial(create_trial(state=state, params=params, distributions=self._distributions))
