"""The e-mail address of an account: verified by a code, changed by asking both mailboxes (document B, table 108)."""

from ..plugins import MenuEntry, Plugin
from . import errors
from .views import blueprint

plugin = Plugin(blueprint, errors=errors, menu=(MenuEntry("邮箱", "email_binding.page"),))
