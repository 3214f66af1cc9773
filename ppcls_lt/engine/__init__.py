"""PaddleClas's Engine, taught the rest of the configuration: building, running, saving, evaluating, recording."""
