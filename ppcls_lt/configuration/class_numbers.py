"""How many classes a configuration states, of one model or of those of a distillation."""

from __future__ import annotations

from typing import Any


def class_number(config: dict) -> int | None:
    """Number of classes that the configuration states, or None; of several models that of all of them."""
    arch = config.get("Arch") or {}
    models = model_classes(arch)
    if models:
        numbers = set(models.values())
        return numbers.pop() if len(numbers) == 1 else None
    return _stated(arch, config.get("Global") or {})


def model_classes(arch: dict) -> dict[str, Any]:
    """Path -> the number of classes that each of the models of a distillation states, or None."""
    listed = arch.get("models")
    return {
        f"Arch.models.{number}.{name}": _stated(params)
        for number, entry in enumerate(listed if isinstance(listed, list) else ())
        for name, params in (entry.items() if isinstance(entry, dict) else ())
        if isinstance(params, dict)
    }


def _stated(section, *further):
    head = section.get("Head")
    for each in (head if isinstance(head, dict) else {}, section, *further):
        if each.get("class_num") is not None:
            return each["class_num"]
    return None
