"""Lets pip build the development tools as a package of their own: userapp itself is installed without them."""

import setuptools

setuptools.setup()
