"""What everything stands on: validators, the registry, files, YAML, patterns. NumPy and PyYAML at most."""
