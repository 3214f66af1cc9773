"""Packaging. Paddle and PaddleClas are the user's: nothing here replaces them."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "ppcls_lt" / "__init__.py").read_text("utf-8")).group(1)

setup(
    name="ppcls-lt",
    version=VERSION,
    description="Long-tailed image classification for PaddleClas: losses, samplers, callbacks, metrics",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.9",
    packages=[*find_packages(include=["ppcls_lt", "ppcls_lt.*"]), "ppcls_lt.configs"],
    package_dir={"ppcls_lt.configs": "configs"},
    package_data={
        "ppcls_lt.configs": ["*/*.yaml"],
        "ppcls_lt.configuration.recipes": ["*.yaml"],
        "ppcls_lt.reports": ["*/*.html.j2", "*/*/*.html.j2"],
    },
    install_requires=["numpy", "pyyaml"],
    extras_require={
        "cpu": ["paddlepaddle>=2.6.2"],
        "gpu": ["paddlepaddle-gpu>=2.6.2"],
        "report": ["jinja2>=3.0", "matplotlib>=3.7"],
        "benchmark": ["matplotlib>=3.10", "torch"],
        "mutations": ["cosmic-ray>=8.7"],
        "test": [
            "pytest",
            "pytest-xdist>=3.7",
            "hypothesis",
            "ruff",
            "setuptools>=70.1",
            "jinja2>=3.0",
            "matplotlib>=3.7",
        ],
    },
    entry_points={"console_scripts": ["ppcls-lt=ppcls_lt.commands.main:main"]},
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
)
