"""A person's picture: uploaded, cut to three sizes that always belong together, removed; a default one before that."""

from __future__ import annotations

import threading
from pathlib import Path

import click
from flask import Flask

from ..plugins import MenuEntry, Plugin, Setting
from ..signals import account_removed, exporting, purging, serving
from . import errors, services
from .object_storage import S3Store
from .pictures import Limits
from .storage import GRACE_SECONDS, SIZES, LocalStore, Store
from .views import blueprint

SETTINGS = {
    "AVATAR_MAX_BYTES": Setting(2 * 1024 * 1024, "Bytes of an uploaded picture; more is 10703."),
    "AVATAR_MIN_SIDE": Setting(200, "Fewest pixels of a side; less is 10707."),
    "AVATAR_MAX_SIDE": Setting(10_000, "Most pixels of a side; more is 10708."),
    "AVATAR_MAX_PIXELS": Setting(25_000_000, "Most pixels of a picture; more is 10708."),
    "AVATAR_MAX_WEBP_PIXELS": Setting(Limits.max_webp_pixels, "The same for WebP, whose decoder needs more memory."),
    "AVATAR_LARGE": Setting(200, "Pixels of the large size."),
    "AVATAR_MIDDLE": Setting(120, "Pixels of the middle size."),
    "AVATAR_SMALL": Setting(48, "Pixels of the small size."),
    "AVATAR_DECODERS": Setting(2, "Pictures decoded at once in each worker."),
    "AVATAR_PER_HOUR": Setting(60, "Uploads of one account in an hour."),
    "AVATAR_STORE": Setting("local", "Where pictures are kept: local (the instance folder) or s3://bucket/folder."),
    "AVATAR_S3_ENDPOINT": Setting("", "The store's address, for every store that is not Amazon's."),
    "AVATAR_S3_REGION": Setting("us-east-1", "Its region."),
    "AVATAR_S3_KEY": Setting("", "Its access key."),
    "AVATAR_S3_SECRET": Setting("", "Its secret key."),
    "AVATAR_S3_SECONDS": Setting(5, "Seconds it may take to answer; a request that fails is repeated once."),
    "AVATAR_S3_VIRTUAL_HOST": Setting(False, "Put the bucket into the host name, as Aliyun demands."),
}


def _store(app: Flask) -> Store:
    config = app.config
    if config["AVATAR_STORE"] == "local":
        return LocalStore(Path(app.instance_path) / "avatar")
    options = {
        "endpoint": config["AVATAR_S3_ENDPOINT"],
        "region": config["AVATAR_S3_REGION"],
        "access_key_id": config["AVATAR_S3_KEY"],
        "secret_access_key": config["AVATAR_S3_SECRET"],
        "virtual_hosted_style_request": config["AVATAR_S3_VIRTUAL_HOST"],
    }
    return S3Store(config["AVATAR_STORE"], options, config["AVATAR_S3_SECONDS"])


def _setup(app: Flask) -> None:
    config = app.config
    limits = Limits(
        min_side=config["AVATAR_MIN_SIDE"],
        max_side=config["AVATAR_MAX_SIDE"],
        max_pixels=config["AVATAR_MAX_PIXELS"],
        max_webp_pixels=config["AVATAR_MAX_WEBP_PIXELS"],
    )
    sizes = {size: int(config[f"AVATAR_{size.upper()}"]) for size in SIZES}
    slots = threading.BoundedSemaphore(config["AVATAR_DECODERS"])
    app.extensions["avatar"] = services.Workshop(_store(app), sizes, limits, slots)
    account_removed.connect(_forget, app)
    purging.connect(_sweep_again, app)
    serving.connect(_mend, app)
    app.extensions.setdefault("userapp.probes", {})["store"] = services.probe_store
    exporting.connect(_take_along, app)
    app.cli.add_command(_sweep)
    if config["AVATAR_STORE"] == "local":  # an object store is not asked before the workers are forked
        with app.app_context():
            services.collect()


def _forget(app: Flask, user_id: int) -> None:
    with app.app_context():
        services.drop_avatar(user_id)


def _take_along(app: Flask, user_id: int) -> dict[str, bytes]:
    found = services.find_avatar(user_id, "large", ("png",))[2]
    return {"avatar.png": found} if found else {}


def _sweep_again(app: Flask) -> None:
    services.collect(GRACE_SECONDS)


def _mend(app: Flask) -> None:
    services.mend()


@click.command("sweep-avatars")
def _sweep() -> None:
    """Collect old and left-over pictures."""
    click.echo(f"{services.collect()} accounts swept")


plugin = Plugin(blueprint, settings=SETTINGS, setup=_setup, errors=errors, menu=(MenuEntry("头像", "avatar.upload"),))
