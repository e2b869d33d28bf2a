"""Captcha, registration, sign-in and sign-out, passwords and their recovery, tokens and sessions."""

from ..plugins import MenuEntry, Plugin
from . import account_views, errors
from .views import blueprint

__all__ = ["account_views", "plugin"]

plugin = Plugin(blueprint, url_prefix="/user", errors=errors, menu=(MenuEntry("安全", "auth.security"),))
