"""What a module of your own registers its components with: ``from ppcls_lt.registry import register``."""

from .basis.registry import KINDS, register, registered

__all__ = ["KINDS", "register", "registered"]
