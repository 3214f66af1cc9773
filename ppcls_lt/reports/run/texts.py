"""Every text of the report, in each language under the same keys; `{}` are filled in by the page."""

from ..parts.names import LANGUAGES
from .chinese import ZH

EN = {
    "html_lang": "en",
    "title": "Report of {arch}",
    "subtitle_train": "training in {folder}, begun {started}",
    "subtitle_eval": "evaluation in {folder}, begun {started}",
    "contents": "Contents",
    "stage": "Stage {stage} of {stages}",
    "stages": "The stages",
    "stage_number": "stage",
    "no_evaluation": "This stage left no evaluation.",
    "summary": "Summary",
    "overall": "overall",
    "balanced": "balanced",
    "many": "many",
    "medium": "medium",
    "few": "few",
    "all": "all classes",
    "accuracy": "accuracy",
    "per_cent": "{name}, %",
    "evaluation_shown": (
        "{images} evaluation images, {classes} classes. Shown is the last evaluation, after epoch {epoch} of {epochs}."
    ),
    "evaluation_alone": "{images} evaluation images, {classes} classes. Shown is an evaluation of given weights.",
    "best_epoch": (
        "By {name}, which PaddleClas compares, epoch {epoch} is the best; its weights are in best_model. For "
        "their report evaluate them with ppcls-lt eval."
    ),
    "first_value": "the first value of the first metric",
    "training_images": "{images} training images, imbalance ratio {ratio}.",
    "empty_classes": " {n} classes have none.",
    "groups_thresholds": (
        "Groups: many has more than {many} training images, few has less than {few}, medium the rest. The "
        "accuracy of a group is the mean recall of its classes."
    ),
    "groups_tertiles": (
        "Groups: the third of the classes with the most training images, the middle, and the third with the "
        "fewest. The accuracy of a group is the mean recall of its classes."
    ),
    "regrouped": "The groups are made of the counts that ManyMediumFewAcc has as group_by, not of these images.",
    "no_counts": (
        "The training images per class are not known here, so there are no groups; classes are ordered by their "
        "evaluation images."
    ),
    "group": "group",
    "classes": "classes",
    "train_images": "training images",
    "eval_images": "evaluation images",
    "distribution": "Class distribution",
    "distribution_about": "Training images per class.",
    "per_class": "Accuracy per class",
    "per_class_about": (
        "Above the training images, below the recall of each class: the share of its evaluation images that are "
        "predicted right. Classes stand from most to fewest training images."
    ),
    "binned": "The line is the mean over {bins} bins of neighbouring classes.",
    "worst": "The {n} classes with the lowest recall",
    "all_classes": "All {n} classes",
    "over_epochs": "Over the epochs",
    "over_epochs_about": "Each point is one evaluation. The dotted line is the evaluation shown in this report.",
    "one_evaluation": "There was one evaluation only.",
    "no_group_history": (
        "The groups are missing: they need a metric of ppcls-lt, such as ManyMediumFewAcc, in Metric.Eval."
    ),
    "values": "All values of every evaluation",
    "norms": "Classifier weight norms",
    "norms_about": (
        "L2 norm of the class vectors in the classifier {name}, at the evaluation shown. From most to fewest "
        "training images; with plain cross entropy the norms usually fall towards the rare classes."
    ),
    "norms_cosine": "The classifier is normalised: it divides by these norms, so they change no logit.",
    "norms_ratio": "Largest over smallest: {ratio}.",
    "norms_missing": (
        "Not known: the model has no Linear layer with an output for each class, or the run was not recorded."
    ),
    "confusion": "Confusion matrix",
    "confusion_about": (
        "Rows are the right classes, columns the predicted ones, both from most to fewest training images. The "
        "colour is the share of a row's images."
    ),
    "confusion_numbers": "The numbers are images.",
    "confusion_grouped": (
        "Neighbouring classes are joined, {size} at most; a cell on the diagonal also holds what is confused "
        "within it. The colour is logarithmic, and white is none."
    ),
    "confusion_log": "The colour is logarithmic, and white is none.",
    "between_groups": "Where the images of each group are predicted",
    "to_group": "predicted as {group}",
    "top_confusions": "The {n} most frequent confusions",
    "no_confusions": "Every image is predicted right.",
    "images": "images",
    "share": "share of the class",
    "right_class": "class",
    "predicted_class": "predicted",
    "calibration": "Calibration",
    "calibration_about": (
        "Confidence is the highest softmax probability. Where it is trustworthy, of the images predicted with a "
        "confidence of 80 % four in five are right, and the points lie on the diagonal. {bins} bins."
    ),
    "calibration_margin": (
        "The logits of margin losses and of normalised classifiers were never meant as probabilities."
    ),
    "confidence": "mean confidence",
    "gap": "confidence - accuracy",
    "ece": "ECE",
    "configuration": "Configuration",
    "configuration_about": (
        "As resolved: recipe, stage and -o are applied. It is {file} in the run's folder and trains again with "
        "ppcls-lt train -c."
    ),
    "configuration_about_eval": "As resolved: -o is applied. It is {file} in the run's folder.",
    "versions": "Versions and files",
    "processes": "processes",
    "device": "device",
    "seed": "seed",
    "files": "The same numbers and pictures are in {folder}: {names}.",
    "made_by": "Made by ppcls-lt {version}. This page loads nothing from elsewhere.",
    "class": "class",
    "recall": "recall",
    "precision": "precision",
    "f1": "F1",
    "norm": "norm",
    "mistaken_for": "most often mistaken for",
    "epoch": "epoch",
    "loss": "loss",
    "fig_group": "{group} ({n} classes)",
    "fig_sorted": "classes, most to fewest training images",
    "fig_sorted_support": "classes, most to fewest evaluation images",
    "fig_recall": "recall, %",
    "fig_accuracy": "accuracy, %",
    "fig_norm": "L2 norm",
    "fig_rank_true": "right class, by rank",
    "fig_rank_predicted": "predicted class, by rank",
    "fig_share": "share of the row, %",
    "fig_confidence": "confidence, %",
    "fig_images": "images",
    "fig_mean": "mean of the bin",
    "interval": "95 % interval",
    "intervals_about": (
        "The interval says how far the accuracy of so few evaluation images may be off: Wilson's, and of a mean of "
        "classes what follows from theirs."
    ),
    "predicted_images": "predicted so",
    "curves": "Recall and precision by confidence",
    "curves_about": (
        "What becomes of each class where predictions below a confidence do not count, as with a class of not sure. "
        "In brackets the evaluation images of the class."
    ),
    "curves_fewer": "Shown are the {n} classes with the lowest recall; all are in curves.csv.",
    "fig_threshold": "confidence needed, %",
    "mistakes": "The most confident mistakes",
    "mistakes_about": (
        "{wrong} images are predicted wrong. Of each class the {each} with the highest confidence; {most} classes at "
        "most, those with the lowest recall first. Often it is the label that is wrong."
    ),
    "mistakes_of": "{n} wrong",
    "taken_for": "{name}, {share} %",
    "mistakes_unknown": (
        "The images are not shown: the evaluation was of no label list, or its list is no longer here as it was."
    ),
}

TEXTS = dict(zip(LANGUAGES, (EN, ZH)))
