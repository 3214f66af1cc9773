"""Every text of a comparison, in each language under the same keys; `{}` are filled in."""

from ..parts.names import LANGUAGES
from .chinese import ZH

EN = {
    "html_lang": "en",
    "title": "Comparison of recipes: {title}",
    "heading": "{title}, {subtitle}",
    "subtitle": "{arch}, {epochs} epochs, seeds {seeds}",
    "overall": "overall",
    "many": "many",
    "medium": "medium",
    "few": "few",
    "balanced": "balanced",
    "overall_shot": "overall",
    "many_shot": "many-shot",
    "medium_shot": "medium-shot",
    "few_shot": "few-shot",
    "balanced_shot": "balanced",
    "accuracy_of": "{measure} accuracy",
    "chosen": "Chosen",
    "answer": (
        "Take {recipe}. On images that did not train it, its {measure} is {after} %; that of {baseline}, your "
        "configuration as it is, is {before} %. The gain is {points} points, and with 90 % confidence {interval}."
    ),
    "answer_sure": (
        "So it is better than {baseline} for your data, as far as the held-out images and the seeds can tell."
    ),
    "answer_unsure": (
        "The interval holds 0: it is not shown that it gains at all. More seeds make the interval narrower."
    ),
    "answer_base": (
        "Keep {baseline}, your configuration as it is: none of the others ({n}) has a higher {measure}, "
        "smoothed, on images that did not train it; its own is {before} %."
    ),
    "answer_alone": (
        "{baseline}, your configuration as it is, is the only candidate; its {measure} on the held-out images is "
        "{before} %."
    ),
    "answer_groups": "By groups of classes: {parts}.",
    "answer_few": "{points} points for those with few training images",
    "answer_many": "{points} points for those with many",
    "answer_work": "It trains on {times} times as many images as {baseline}.",
    "answer_work_same": "It trains on as many images as {baseline}.",
    "answer_best": "The probability that it is the best of the {n} is {best} %.",
    "answer_only": "Every other candidate is behind it by more than chance.",
    "answer_equals": "Not to be told apart from it, with 90 % confidence: {others}. {reason}",
    "reason_highest": "Of them it is taken because its {measure}, smoothed, is the highest.",
    "reason_base": (
        "Of them {baseline} is taken because its {measure}, smoothed, is the highest, and it changes nothing."
    ),
    "and_more": " and {n} more",
    "interval": "{low} to {high}",
    "nothing_chosen": "Nothing is chosen yet: that is done in the end, against a finished run of {baseline}.",
    "nothing_finished": "No run has finished, so there is nothing to rank.",
    "tested": (
        "On the test images, which chose nothing: {measure} {before} % for {baseline}, {after} % for {recipe}, "
        "{points} points, with the weights of these runs."
    ),
    "tested_base": "On the test images, which chose nothing, its {measure} is {after} %.",
    "refit": "Trained on the whole list, the test images give this {measure}: {parts}.",
    "refit_of": "{recipe} {value} %",
    "caution_incomplete": "Not judged, since runs are missing for seeds that {baseline} has: {recipes}.",
    "caution_unjudged": "Without a held-out image, and so nowhere in the choice: class {classes}.",
    "caution_few_images": (
        "Few images were held out: of the {group} classes {n}, of the class with the fewest {least}. More "
        "--seeds, or a --val-list, give more."
    ),
    "caution_one_seed": (
        "One seed only: the intervals are of the images alone, and another training might differ by more. Use "
        "three seeds or more."
    ),
    "caution_epochs": (
        "These runs are of {epochs} epochs, the final training by best.yaml of the base's {final}: with another number "
        "of epochs another recipe may be the best. Without --epochs both are of as many."
    ),
    "caution_below": "On the test images the {measure} of {recipe} is below that of {other}: {points} points.",
    "caution_refit_below": (
        "Trained on the whole list the {measure} of {recipe} on the test images is below that of {other}: {points} "
        "points. That is one training of each."
    ),
    "held_out": "held-out {measure}",
    "gain_of": "{measure} gain",
    "gain_tile": "{measure} gain, points",
    "interval_head": "90 % interval",
    "best_head": "best, %",
    "best_short": "best",
    "best_tile": "probability of being the best, %",
    "equal_mark": "{recipe} (=)",
    "table_about": (
        "Ranked by the {measure}, smoothed, on the held-out images of all seeds together; so a larger gain may stand "
        "below a smaller one. Accuracies are in per cent. The gain, in percentage points, is over {baseline} on the "
        "same images, and the interval holds it with 90 % confidence. Best is the probability, in per cent, of being "
        "the best of all. (=) marks what cannot be told apart from the chosen one."
    ),
    "work_about": "Work is the number of images trained on, as a multiple of that of {baseline}.",
    "scroll": "The table is wider than the screen: it scrolls sideways.",
    "scroll_picture": "The picture is wider than the screen: it scrolls sideways.",
    "tests": "Test images",
    "tests_about": (
        "Accuracy in per cent on the test images, which chose nothing, of those that read them: the mean over "
        "seeds and the sample standard deviation."
    ),
    "tests_one_seed": "Accuracy in per cent on the test images, which chose nothing, of those that read them.",
    "gains": "Gains with their uncertainty",
    "gains_about": (
        "The gain in {measure} over {baseline} on the held-out images, and its 90 % interval. Blue is the chosen "
        "one, black what cannot be told apart from it, grey the others. Right of the line is better than "
        "{baseline}."
    ),
    "gains_first": "The first {n} of {all} are drawn; the table has all.",
    "per_class": "Each class, chosen against base",
    "per_class_about": (
        "Accuracy on the held-out images of each class of {recipe} (blue) and of {baseline} (grey), with 90 % "
        "intervals for the number of images, which stands below. Classes stand from most to fewest training "
        "images."
    ),
    "classes": "What each recipe changes for each class",
    "classes_about": (
        "Each cell is the accuracy of a recipe on the held-out images of a class minus that of {baseline}, in "
        "points: blue is better, red is worse, white is equal, grey has no held-out image. With few images of a "
        "class such a difference may be chance."
    ),
    "epochs_about": (
        "The {measure} on the validation images after each epoch, by which the epoch was chosen: mean over "
        "seeds, of {baseline} and of the five best besides it. Of a recipe in stages it is the last stage."
    ),
    "fig_held_out": "accuracy on held-out images, %",
    "fig_images": "{name} ({n})",
    "train_images": "training images",
    "validation_images": "held out",
    "same": "Not trained a second time, since it changes nothing in {baseline}: {recipes}.",
    "adjusted": (
        "RECIPE+METHOD is the recipe's model, adjusted after the training by ppcls-lt adjust; its predictions of "
        "held-out images are cross-validated."
    ),
    "unadjusted": "Not adjusted: {candidate}. {reason}",
    "semicolon": "; ",
    "comma": ", ",
    "colon": ": ",
    "between": " ",
    "caution": "Caution: {text}",
    "caution_missing": "Runs still missing: {n}. They may change the ranking.",
    "caution_failures": "Runs that failed: {n}. They are listed below.",
    "caution_versions": "The runs are of different versions, which may tell them apart: {versions}.",
    "table": "All recipes",
    "rank": "rank",
    "recipe": "recipe",
    "recipe_baseline": "{recipe} (baseline)",
    "seeds": "seeds",
    "work_head": "work / {baseline}",
    "rank_short": "#",
    "gain_short": "gain",
    "work_short": "work",
    "classes_joined": "Neighbouring classes are joined, {size} at most, never across groups.",
    "epochs": "Validation over the epochs",
    "replaced_by": "{entry}, by {recipes}",
    "replaced": "What recipes replace in the base",
    "place": "entry",
    "in_base": "in the base",
    "in_recipe": "with the recipe",
    "failures": "Failed runs",
    "run_of": "{recipe}, seed {seed}",
    "runs_of": "seeds {seeds}",
    "missing": "Runs still missing",
    "tuned": "{name} is {recipe} with the values of trial {trial} of {n}: {values}.",
    "tuned_value": "{entry} {new} (was {old})",
    "tuned_chosen": (
        "On the images that chose them: {points} points of {measure} over {recipe}, {low} to {high}. That flatters "
        "it, as the best of {n} trials."
    ),
    "tuned_fresh": (
        "On folds that chose nothing (seeds {seeds}): {points} points over {recipe}, and with 90 % confidence {low} to "
        "{high}."
    ),
    "tuned_not_fresh": "No images are left to judge it by that chose nothing.",
    "tuned_fresh_failed": (
        "On folds that chose nothing (seeds {seeds}) it was not judged: a run failed; the same command tries it again."
    ),
    "tuned_fresh_lacks": "Those folds hold out no image of class {classes}, so that gain leaves it out.",
    "tuned_tested": "On the test images: {points} points over {recipe}.",
    "tuned_none": "{recipe}: none of {n} trials is above its own values.",
    "tuning": "Tuned",
    "caution_tuned": (
        "{recipe} is the best of {n} trials on the images by which it is judged here, so that its score, interval and "
        "probability flatter it. What it gained elsewhere stands under Tuned."
    ),
    "budget": "Within the budget",
    "budget_round": "Round {n}: {recipes} recipes, {epochs} epochs, seeds {seeds}.",
    "budget_dropped": "Dropped after round {n}: {evidence}",
    "dropped_apart": (
        "{recipe}, rank {place} of {number}: {measure} {score} % where {chosen} has {best} %, from which it is told "
        "apart."
    ),
    "dropped_equal": (
        "{recipe}, rank {place} of {number}: {measure} {score} % where {chosen} has {best} %. It cannot be told apart "
        "from it; the budget has no room for it."
    ),
    "dropped_failed": "{recipe}, whose run failed.",
    "data": "Data",
    "list": "images",
    "training_list": "training",
    "validation_list": "validation",
    "test_list": "test",
    "path": "list",
    "number": "number",
    "group": "group",
    "class_number": "classes",
    "validation_fewest": "fewest in a class",
    "classes_all": "{n} classes.",
    "groups_thresholds": "Groups: many has more than {many} images, few has less than {few}, medium the rest.",
    "groups_tertiles": (
        "Groups: the third of the classes with the most images, the middle, and the third with the fewest."
    ),
    "trained_by": "Trained by {versions}.",
    "command": "Command",
    "files": "Files",
    "files_about": "The same numbers are in {names}; the pictures are in {folder}.",
    "files_tables": "The same numbers are in {names}.",
    "made_by": "Made by ppcls-lt {version}. This page loads nothing from elsewhere.",
    "fig_gain": "{measure} gain over {baseline}, points",
    "fig_difference": "difference to {baseline}, points",
    "fig_sorted": "classes, most to fewest images",
    "fig_rank": "rank of the class, most to fewest images",
    "fig_epoch": "epoch",
    "fig_validation": "{measure}, %",
    "fig_group": "{group} ({n} classes)",
}

TEXTS = dict(zip(LANGUAGES, (EN, ZH)))
