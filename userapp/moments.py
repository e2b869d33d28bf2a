"""Moments as a visitor's clock shows them: the zone comes by cookie, from the page's script or from a choice."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import current_app, request

COOKIE = "zone"
OFFERED = (  # to whom no script tells; west to east
    "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver", "America/Chicago",
    "America/New_York", "America/Halifax", "America/Sao_Paulo", "Atlantic/Azores", "UTC", "Europe/London",
    "Europe/Berlin", "Africa/Lagos", "Europe/Athens", "Africa/Cairo", "Africa/Johannesburg", "Europe/Moscow",
    "Africa/Nairobi", "Asia/Tehran", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka",
    "Asia/Bangkok", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "Australia/Adelaide", "Australia/Sydney",
    "Pacific/Auckland",
)  # fmt: skip


def local(moment: datetime | str) -> str:
    """A moment in the visitor's zone, with how far that is from UTC: `2026-11-21 16:05 UTC+08:00`."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    here = moment.astimezone(zone_named(chosen()))
    offset = here.strftime("%z")
    return here.strftime("%Y-%m-%d %H:%M UTC") + (f"{offset[:3]}:{offset[3:5]}" if int(offset) else "")


def chosen() -> str:
    """The name of the visitor's zone: asked for with `zone`, chosen before, or the service's."""
    for name in (request.args.get("zone"), request.cookies.get(COOKIE)):
        if name and is_zone(name):
            return name
    return str(current_app.config["TIME_ZONE"])


def is_zone(name: str) -> bool:
    """Whether there is a zone of this name."""
    return len(name) <= 40 and zone_named(name) is not None


@lru_cache(maxsize=512)
def zone_named(name: str) -> tzinfo | None:
    """The zone of a name, if there is one; ZoneInfo itself refuses names that lead out of its folder."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder
        return UTC if name == "UTC" else None
