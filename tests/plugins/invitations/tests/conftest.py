"""The service's own fixtures, with the plugin loaded."""

import pytest

from userapp.config import PLUGINS

pytest_plugins = ["userapp.testing"]


@pytest.fixture
def app_settings():
    """What `app` is made with."""
    return {"PLUGINS": [*PLUGINS, "invitations"], "INVITATION_CODES": ["open-sesame"]}
