"""Which class answers to which name, by kind. A second registration raises."""

KINDS = ("loss", "arch", "metric", "sampler", "callback")

_classes = {kind: {} for kind in KINDS}


def register(kind, *aliases):
    """Class or function decorator: publish it under its own name and ``aliases``.

    Args:
        kind (str): one of ``KINDS``.
        *aliases (str): further names for the same thing.

    Raises:
        ValueError: a name is taken already.
    """

    def publish(component):
        for name in (component.__name__, *aliases):
            if name in _classes[kind]:
                raise ValueError(f"{kind} {name!r} is registered already: {_classes[kind][name]!r}")
            _classes[kind][name] = component
        return component

    return publish


def registered(kind):
    """Return a copy of the mapping from name to class for one kind."""
    return dict(_classes[kind])
