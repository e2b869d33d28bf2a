"""The application for gunicorn and the `flask` command."""

from userapp.start_checks import start

app = start()
