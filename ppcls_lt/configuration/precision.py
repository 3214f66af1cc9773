"""Mixed precision that is switched off, as the configurations of newer PaddleClas write it."""

from __future__ import annotations

import logging

from .. import host

_log = logging.getLogger("ppcls.lt")


def settled(stage: dict) -> dict:
    """Return a stage without its section ``AMP`` where that says ``use_amp: false`` and the host would not see it.

    PaddleClas 2.4 and 2.5 train in mixed precision whenever there is a section
    ``AMP``; the files of develop have one that is switched off.

    Args:
        stage (dict): the configuration.
    """
    section = stage.get("AMP")
    if not isinstance(section, dict) or section.get("use_amp", True) is not False or host.reads_use_amp():
        return stage
    _log.info("AMP: `use_amp` is false, so the section is left out: this PaddleClas would train by it all the same")
    return {**stage, "AMP": None}
