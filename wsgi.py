"""The application for gunicorn and the `flask` command."""

import os
import sys

from flask import Flask

from userapp import create_app
from userapp.config import UnsafeStart
from userapp.plugins import PluginError
from userapp.start_checks import refuse_unready


def start() -> Flask:
    """The application, or one plain line for each reason not to start, and an exit status gunicorn does not retry."""
    try:
        made = create_app()
        if "FLASK_RUN_FROM_CLI" not in os.environ:  # commands repair what no server may run with
            refuse_unready(made)
    except (UnsafeStart, PluginError) as refusal:
        for line in refusal.args:
            print(f"userapp does not start: {line}", file=sys.stderr)
        sys.exit(3)
    return made


app = start()
