"""Run an exported model on stored images: ``predict.py MODEL_FOLDER DATA_FOLDER``."""

import sys
from pathlib import Path

import numpy as np
from paddle import inference

model, data = map(Path, sys.argv[1:])
# Paddle 3 writes inference.json, Paddle 2.6 inference.pdmodel
program = next(path for path in (model / "inference.json", model / "inference.pdmodel") if path.exists())
config = inference.Config(str(program), str(model / "inference.pdiparams"))
# Of Paddle 2.6, for vision transformers: built with AVX-512 instructions, it ends the process on a CPU without them.
config.delete_pass("self_attention_fuse_pass")
predictor = inference.create_predictor(config)
entry = predictor.get_input_handle(predictor.get_input_names()[0])
entry.copy_from_cpu(np.load(data / "images.npy"))
predictor.run()
np.save(data / "probabilities.npy", predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu())
