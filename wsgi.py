"""The application for gunicorn and the `flask` command."""

from userapp import create_app

app = create_app()
