"""A person's own data: taken along as a file; and the account deleted, after a time in which that can be undone."""

from ..plugins import Plugin, Setting
from . import errors
from .views import blueprint

SETTINGS = {
    "DELETION_DAYS": Setting(14, "How long a person can undo the deletion of their account; 0 = gone within minutes."),
    "OWN_DATA_FRESH_SECONDS": Setting(900, "How long ago the password may have been given for export and deletion."),
}

plugin = Plugin(blueprint, settings=SETTINGS, errors=errors, security="own_data/section.html")
