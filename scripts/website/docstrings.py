"""Docstrings as this package writes them, in what MkDocs reads: formulas and roles of reStructuredText as Markdown."""

import re
import textwrap

import griffe

MATH = re.compile(
    r"^(?P<indent> *)\.\. math::(?P<first>[^\n]*)(?P<rest>(?:\n(?:(?P=indent) +[^\n]*|(?=\n(?P=indent) ))?)*)", re.M
)
INLINE = re.compile(r":math:`([^`]+)`")
ROLE = re.compile(r":(?:class|func|meth|mod|attr|data):`~?([^`]+)`")


def markdown(text):
    """A docstring's text as Markdown."""

    def formula(match):
        lines = [match["first"].strip(), textwrap.dedent(match["rest"]).strip()]
        body = textwrap.indent("\n".join(line for line in lines if line), match["indent"])
        return f"\n{match['indent']}$$\n{body}\n{match['indent']}$$\n\n"

    return ROLE.sub(r"`\1`", INLINE.sub(r"$\1$", MATH.sub(formula, text)))


class Docstrings(griffe.Extension):
    """Change every docstring as soon as it is read."""

    def on_instance(self, *, obj, **kwargs):
        """Change one object's."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)
