"""Captcha, registration, sign-in and sign-out, passwords and their recovery, tokens and sessions."""

from ..plugins import Plugin
from . import errors
from .views import blueprint

plugin = Plugin(blueprint, url_prefix="/user", errors=errors)
