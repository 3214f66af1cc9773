"""The packages, and `configs/` as one of them; everything else stands in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["ppcls_lt", "ppcls_lt.*"]), "ppcls_lt.configs"],
    package_dir={"ppcls_lt.configs": "configs"},
    package_data={
        "ppcls_lt.configs": ["*/*.yaml"],
        "ppcls_lt.configuration.recipes": ["*/*.yaml"],
        "ppcls_lt.reports": ["*/*.html.j2", "*/*/*.html.j2"],
    },
)
