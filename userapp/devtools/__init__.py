"""For development on one machine only: the outbox page, a fixed captcha answer, `no_captcha`.

The application refuses to start with this plugin beside a base URL that is not on this machine.
"""

from ..plugins import Plugin, Setting
from .views import blueprint

plugin = Plugin(
    blueprint,
    settings={
        "CAPTCHA_ANSWER": Setting("", "The answer of every captcha; issuing, expiry and single use stay as they are.")
    },
)
