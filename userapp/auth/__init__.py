"""Captcha, registration, sign-in and sign-out, passwords and their recovery, tokens and sessions."""

from ..plugins import MenuEntry, Plugin, Setting
from . import account_views, errors, work
from .views import blueprint

__all__ = ["account_views", "plugin"]

plugin = Plugin(
    blueprint,
    url_prefix="/user",
    settings={
        "CAPTCHA_WORK": Setting(16, "Work of a captcha the browser computes: one more doubles its time; 0 is off."),
    },
    setup=work.refuse_unusable,
    errors=errors,
    menu=(MenuEntry("安全", "auth.security", place=80),),
)
