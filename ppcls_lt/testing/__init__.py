"""What a loss, a sampler, a metric or a callback must hold to, as functions: for this package's own and for yours.

Each raises an ``AssertionError`` that says what was expected and what was found, so that they
serve in any test, with pytest or without.
"""
