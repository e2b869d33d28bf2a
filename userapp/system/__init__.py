"""The account home, the server's clock and whether the process is alive."""

from ..plugins import MenuEntry, Plugin
from .views import blueprint

plugin = Plugin(blueprint, menu=(MenuEntry("首页", "system.home"),))
