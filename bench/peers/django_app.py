"""Django with its sessions in the database, an own view, and django-allauth's endpoints for browsers and programs."""

from __future__ import annotations

import os
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
import people
from django.conf import settings


def database() -> dict[str, Any]:
    """The connection's settings; connections stay open, as production has them."""
    url = urlsplit(os.environ["DATABASE_URL"])
    if url.scheme == "sqlite":
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        options: dict[str, Any] = {"init_command": pragmas, "transaction_mode": "IMMEDIATE"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.path[1:], "OPTIONS": options, "CONN_MAX_AGE": None}
    host = parse_qs(url.query).get("host", [url.hostname or ""])[0]
    return {
        "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": url.username, "HOST": host,
        "PASSWORD": url.password or "", "PORT": str(url.port or ""), "CONN_MAX_AGE": None,
    }  # fmt: skip


settings.configure(
    SECRET_KEY="s" * 50,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": database()},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
        "allauth", "allauth.account", "allauth.headless",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    PASSWORD_HASHERS=[f"{__name__}.Argon2"],
    ACCOUNT_LOGIN_METHODS={"username"},
    ACCOUNT_SIGNUP_FIELDS=["username*", "email*", "password1*"],
    ACCOUNT_EMAIL_VERIFICATION="none",
    ACCOUNT_RATE_LIMITS=False,
    HEADLESS_ONLY=True,
    HEADLESS_FRONTEND_URLS={},
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
)  # fmt: skip
sys.modules.setdefault("django_app", sys.modules[__name__])
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - Django must be set up first
from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402


class Argon2(Argon2PasswordHasher):
    """The same parameters for everybody."""

    time_cost, memory_cost, parallelism = people.PASSES, people.MEMORY_KIB, people.LANES


def me(request: HttpRequest) -> JsonResponse:
    """Who am I."""
    if not request.user.is_authenticated:
        return JsonResponse({"status": False}, status=401)
    return JsonResponse(people.answer(request.user.id, request.user.username, request.user.email))


urlpatterns = [path("me", me), path("_allauth/", include("allauth.headless.urls"))]
app = get_wsgi_application()


def seed(count: int) -> None:
    """Make the accounts, each with its address as allauth keeps it."""
    from allauth.account.models import EmailAddress

    call_command("migrate", verbosity=0)
    kind = get_user_model()
    for start in range(1, count + 1, 10000):
        numbers = range(start, min(start + 10000, count + 1))
        made = [
            kind(id=n, username=people.name(n), email=people.address(n), password="argon2" + people.HASH)
            for n in numbers
        ]
        kind.objects.bulk_create(made, 2000)
        addresses = [EmailAddress(user_id=n, email=people.address(n), primary=True, verified=True) for n in numbers]
        EmailAddress.objects.bulk_create(addresses, 2000)
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('auth_user_id_seq', %s)", [count])


if __name__ == "__main__":
    seed(int(sys.argv[1]))
