"""Lets pip build the package: setup.cfg says all about it but which folders it is made of.

migrations/ stands where everybody looks for it and is installed as userapp/migrations. The development tools are left
out: `pip install ./deploy/devtools` adds them where the service is developed, and nowhere else.
"""

from setuptools import find_packages, setup

packages = find_packages(include=["userapp", "userapp.*"], exclude=["userapp.devtools", "userapp.devtools.*"])
setup(packages=[*packages, "userapp.migrations"], package_dir={"userapp.migrations": "migrations"})
