"""The keys of ``Global`` that this package adds to PaddleClas's, each with what it means.

Every flag of ``ppcls-lt train``, ``eval``, ``infer`` and ``export`` is short for one of
them, since PaddleClas's own scripts and those that start them pass ``-c``, ``-o`` and ``-p`` alone.
"""

GLOBAL_KEYS = {
    "allow_new": "take keys that neither PaddleClas nor this package knows as they are",
    "best_metric": "the value of an evaluation that chooses the best model",
    "class_names": "class -> name, as the training that `run` names had them; not for a configuration of yours",
    "eval_is_validation": "the list of DataLoader.Eval that was held out to choose by, or true; `ppcls-lt adjust`",
    "extend_schedule": "of a run that extend_to makes longer: stretch or restart the learning rate's schedule",
    "extend_to": "go on with a run for longer than it was to: the number of its epochs from now on",
    "max_image_pixels": "width times height that an image file may claim before it is decoded",
    "nonfinite_loss": "what a loss that is NaN or infinite does: stop the training, or count and go on",
    "overwrite": "let a new training replace the checkpoints of another one in output_dir",
    "plugins": "modules of your own that register losses, metrics and the like: a list of names, or one",
    "plugins_from": "the folder in which they are sought first; that of the YAML where it is not given",
    "processes": "how many processes the training has, which Paddle's launcher starts",
    "recipe": "a recipe to lay over the configuration: a packaged name or a YAML file",
    "report": "write a report at the end: true, or a language",
    "resume": "go on from the newest whole checkpoint of output_dir, if there is one",
    "run": "the folder of a training whose configuration and best weights to evaluate, predict with or export",
    "serving": "true: an export has beside it what a service needs: names, preprocessing, decision, adjustment",
    "untrained": "true: the model, or parts of it, may be used as they are initialised",
    "unreadable_images": "what an image file that cannot be read is: error, replace_in_training or replace",
    "val_list": "a label list of images that were held out to choose by, for `ppcls-lt adjust`",
}
