"""The API described by itself: an OpenAPI document and a page to read and search."""

from ..plugins import Plugin
from .views import blueprint

plugin = Plugin(blueprint)
