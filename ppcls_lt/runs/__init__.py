"""A run as files, without Paddle: checkpoints, history, configuration, facts, results."""
