"""An account's information: read, and changed by its owner."""

from ..plugins import MenuEntry, Plugin
from . import errors
from .views import blueprint

plugin = Plugin(blueprint, url_prefix="/user", errors=errors, menu=(MenuEntry("个人资料", "profile.info"),))
