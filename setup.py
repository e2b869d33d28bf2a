"""Lets pip build the package; everything about it stands in setup.cfg."""

import setuptools

setuptools.setup()
