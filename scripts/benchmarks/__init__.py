"""The parts of ``scripts/benchmark.py``.

A part has ``run(quick)``, which measures and returns plain maps for JSON,
``page(results)``, its Markdown, and ``plots(results)``, PNG bytes by name.
"""
