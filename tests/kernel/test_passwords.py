"""What is stored of a password, what verifies, what is refused, and what it costs."""

import base64
import hashlib
import os
import random
import string
import threading
import time
from collections.abc import Iterator

import bcrypt
import pytest
from argon2 import extract_parameters
from flask import Flask
from werkzeug.security import generate_password_hash

from userapp import argon2id, passwords
from userapp.errors import AppError, Overloaded

GOOD = "枫桥夜泊-Lamp7"


class Length(AppError):
    number, status, message = 99999, 422, "密码长度 {low}-{high}"


@pytest.fixture
def app() -> Iterator[Flask]:
    app = Flask(__name__)
    app.config.update(
        PASSWORD_MIN=6, PASSWORD_MAX=32, SITE_NAME="Ning Community", HASH_THREADS=2, HASH_QUEUE=64, HASH_NICENESS=1
    )
    app.config.update(ARGON2_MEMORY_KIB=64, ARGON2_TIME=1, ARGON2_PARALLELISM=1, ARGON2_COMPILED=False)
    with app.app_context():
        yield app


def django(password: str, digest: str = "sha256", rounds: int = 10) -> str:
    found = hashlib.pbkdf2_hmac(digest, password.encode(), b"salt", rounds)
    return f"pbkdf2_{digest}${rounds}$salt${base64.b64encode(found).decode()}"


def bcrypt_hash(password: bytes) -> str:
    return bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()


def refusal(password: str, *identifiers: str | None) -> type[AppError] | None:
    try:
        passwords.check_policy(password, identifiers, Length, field="new_password")
    except AppError as error:
        assert error.field == "new_password"
        return type(error)
    return None


LEGACY = {
    "django-sha256": django(GOOD),
    "django-sha1": django(GOOD, "sha1"),
    "werkzeug-pbkdf2": generate_password_hash(GOOD, "pbkdf2:sha256:10"),
    "werkzeug-scrypt": generate_password_hash(GOOD, "scrypt:1024:8:1"),
    "bcrypt": bcrypt_hash(GOOD.encode()),
    "bcrypt-php": bcrypt_hash(GOOD.encode()).replace("$2b$", "$2y$"),
}


# --- hash and verify


@pytest.mark.usefixtures("app")
def test_the_right_password_verifies_and_a_wrong_one_does_not() -> None:
    stored = passwords.hash_password(GOOD)
    assert passwords.verify(GOOD, stored)
    assert not passwords.verify(GOOD + "x", stored)


def test_a_hash_carries_the_parameters_of_the_settings_and_its_own_long_salt(app: Flask) -> None:
    app.config.update(ARGON2_MEMORY_KIB=19456, ARGON2_TIME=2)
    first, second = passwords.hash_password(GOOD), passwords.hash_password(GOOD)
    found = extract_parameters(first)
    assert (found.memory_cost, found.time_cost, found.parallelism) == (19456, 2, 1)
    assert found.salt_len >= 16 and first.startswith("$argon2id$") and first != second


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("other", [GOOD + " ", " " + GOOD, GOOD.upper(), GOOD + "\0", GOOD[:-1], ""])
def test_nothing_is_trimmed_folded_or_cut(other: str) -> None:
    assert not passwords.verify(other, passwords.hash_password(GOOD))


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("prefix", ["a" * 72, "密" * 24, "nul\0", "x" * 1023])
def test_the_last_character_of_a_long_password_counts(prefix: str) -> None:
    stored = passwords.hash_password(prefix + "1")
    assert passwords.verify(prefix + "1", stored)
    assert not passwords.verify(prefix + "2", stored)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("one", "other"), [("café-lamp", "cafe\u0301-lamp"), ("Ｌａｍｐ１２３", "Lamp123"), ("ﬁne-lamp", "fine-lamp")]
)
def test_two_spellings_of_the_same_characters_are_one_password(one: str, other: str) -> None:
    assert passwords.verify(other, passwords.hash_password(one))


@pytest.mark.usefixtures("app")
def test_a_lone_surrogate_is_a_character_like_any_other() -> None:
    assert passwords.verify("lamp\ud800", passwords.hash_password("lamp\ud800"))
    assert not any(passwords.verify("lamp\ud800", stored) for stored in LEGACY.values())


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "stored", [None, "", "!", "$argon2id$", "$argon2id$v=19$m=64", "md5+$argon2id$broken", "plain text"]
)
def test_no_password_fits_a_missing_or_damaged_hash(stored: str | None) -> None:
    assert not passwords.verify(GOOD, stored)
    assert not passwords.verify("", stored)


@pytest.mark.parametrize(
    "stored",
    [None, "", "!", "$argon2id$broken", "md5+$argon2id$broken", *LEGACY.values()],
    ids=["none", "empty", "unusable", "broken", "broken-wrapped", *LEGACY],
)
def test_every_kind_of_row_costs_one_argon2_with_todays_parameters(
    app: Flask, stored: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config.update(ARGON2_MEMORY_KIB=128, ARGON2_TIME=3)
    paid: list[str] = []
    really = argon2id.Hasher.verify

    def verify(self: argon2id.Hasher, stored: str, secret: str | bytes) -> bool:
        if "broken" not in stored:
            paid.append(stored)
        return really(self, stored, secret)

    monkeypatch.setattr(argon2id.Hasher, "verify", verify)
    passwords.verify("wrong-lamp", stored)
    assert [extract_parameters(hash_).time_cost for hash_ in paid] == [3]
    assert [extract_parameters(hash_).memory_cost for hash_ in paid] == [128]


def test_a_megabyte_is_refused_without_work(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    stored, huge = passwords.hash_password(GOOD), "ﷺ" * 1_000_000
    for work in ("hash", "verify"):
        monkeypatch.setattr(argon2id.Hasher, work, lambda *_: pytest.fail("hashed"))
    monkeypatch.setattr(passwords, "_well_known", lambda *_: pytest.fail("compared"))
    assert not passwords.verify(huge, stored)
    assert not passwords.verify(huge, None)
    assert refusal(huge) is Length
    with pytest.raises(ValueError):
        passwords.hash_password(huge)


def test_a_hash_is_renewed_after_the_parameters_change(app: Flask) -> None:
    stored = passwords.hash_password(GOOD)
    assert not passwords.needs_rehash(stored)
    app.config["ARGON2_TIME"] = 2
    assert passwords.needs_rehash(stored)
    assert passwords.verify(GOOD, stored)


# --- imported hashes


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("stored", LEGACY.values(), ids=LEGACY)
def test_a_salted_hash_of_another_system_is_kept_verified_and_renewed(stored: str) -> None:
    assert passwords.wrap_legacy(stored) == stored
    assert passwords.verify(GOOD, stored)
    assert not passwords.verify(GOOD + "x", stored)
    assert passwords.needs_rehash(stored)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("upper", [False, True])
def test_a_bare_digest_is_stored_only_inside_argon2id(algorithm: str, upper: bool) -> None:
    bare = hashlib.new(algorithm, GOOD.encode()).hexdigest()
    stored = passwords.wrap_legacy(bare.upper() if upper else bare)
    assert bare not in stored.lower() and "$argon2id$" in stored
    assert passwords.verify(GOOD, stored) and passwords.needs_rehash(stored)
    assert not passwords.verify(bare, stored), "the leaked digest itself must not sign anybody in"


@pytest.mark.usefixtures("app")
def test_an_imported_hash_sees_the_password_as_it_was_typed() -> None:
    assert passwords.verify("cafe\u0301-lamp", django("cafe\u0301-lamp"))


@pytest.mark.usefixtures("app")
def test_bcrypt_knows_72_bytes_and_the_renewed_hash_knows_them_all() -> None:
    typed = "密" * 30
    stored = bcrypt_hash(typed.encode()[:72])
    assert passwords.verify(typed, stored)
    assert not passwords.verify("密" * 23, stored)
    renewed = passwords.hash_password(typed)
    assert not passwords.verify("密" * 31, renewed)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "stored",
    [
        "", "password", "a" * 33, "g" * 32, "md5$salt$" + "a" * 32, "$1$salt$hash", "$argon2id$", "$2b$31$" + "a" * 53,
        "pbkdf2_sha256$999999999$salt$aGFzaA==", "pbkdf2_sha256$0$salt$aGFzaA==", "pbkdf2:sha256:999999999$salt$abcd",
        "scrypt:16777216:8:1$salt$abcd", "scrypt:1000:8:1$salt$abcd", "scrypt:32768:8:16$salt$abcd", "a" * 32 + "\n",
    ],
)  # fmt: skip
def test_an_unknown_or_ruinous_hash_is_not_imported(stored: str) -> None:
    with pytest.raises(ValueError):
        passwords.wrap_legacy(stored)


# --- policy


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("kind", ["Kx7!qPz2", "密灯山河月舟", "🔑🌙🏮🚲🎋🧭"])
@pytest.mark.parametrize(("length", "fits"), [(5, False), (6, True), (32, True), (33, False)])
def test_length_is_counted_in_characters(kind: str, length: int, fits: bool) -> None:
    assert refusal((kind * 7)[:length]) is (None if fits else Length)


@pytest.mark.usefixtures("app")
def test_length_is_counted_after_normalising() -> None:
    assert refusal("e\u0301a\u0301o\u0301") is Length, "three characters, though six code points were typed"
    assert refusal("㍿㍿") is None, "two code points that stand for eight characters"


def test_the_bounds_are_settings_and_the_refusal_names_them(app: Flask) -> None:
    app.config.update(PASSWORD_MIN=15, PASSWORD_MAX=128)
    with pytest.raises(Length) as caught:
        passwords.check_policy("Kx7!qPz2", [], Length, field="new_pwd")
    assert caught.value.text == "密码长度 15-128" and caught.value.field == "new_pwd"
    assert refusal("Kx7!qPz2" * 16) is None


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "password",
    ["        ", "\t\t\t\t\t\t\t\t", "pass\0word", "+%20&=;", "密码是中文的啊", "🔑" * 8, " leading and trailing "],
)
def test_any_composition_is_accepted(password: str) -> None:
    assert refusal(password) is None


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "password",
    [
        "123456",
        "password",
        "woaini1314",
        "5201314",
        "a123456",
        "Woaini520",
        "TAOBAO123",
        "qq123456",
        "1qaz2wsx",
        "１２３４５６",
        "jennifer",
    ],
)
def test_what_everybody_uses_is_refused_in_any_case(password: str) -> None:
    assert refusal(password) is passwords.PasswordTooCommon


@pytest.mark.usefixtures("app")
def test_random_passwords_are_never_refused() -> None:
    dice = random.Random(20120808)
    letters = string.ascii_letters + string.digits
    for length in (8, 10, 12, 16):
        assert not [word for _ in range(500) if refusal(word := "".join(dice.choices(letters, k=length)))]


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "password",
    [
        "NingShuishan", "ningshuishan", "ＮＩＮＧshuishan", "NING.shan@Example.cn", "ning.shan", "+8613812345678",
        "8613812345678", "13812345678", "138 1234 5678", "+86 138-1234-5678", "20140031",
    ],
)  # fmt: skip
def test_ones_own_names_are_refused(password: str) -> None:
    identifiers = ("NingShuishan", "ning.shan@example.cn", "+8613812345678", "20140031", None, "")
    assert refusal(password, *identifiers) is passwords.PasswordTooCommon
    assert refusal(password, "somebody", "other@example.cn", "+8613987654321", "31") is None


@pytest.mark.usefixtures("app")
def test_a_phone_is_recognised_with_its_national_zero() -> None:
    assert refusal("07400123456", "+447400123456") is passwords.PasswordTooCommon
    assert refusal("7400123456", "+447400123456") is passwords.PasswordTooCommon


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("password", ["Ning Community", "ning community", "NingCommunity"])
def test_the_name_of_the_service_is_refused(password: str) -> None:
    assert refusal(password) is passwords.PasswordTooCommon


def test_the_refusal_has_its_public_number_and_text() -> None:
    error = passwords.PasswordTooCommon(field="new_pwd")
    assert (error.number, error.status, error.text) == (10205, 422, "密码过于常见，请更换")


# --- the hashing threads


def test_a_full_queue_is_overloaded_and_free_again_afterwards(app: Flask) -> None:
    app.config.update(HASH_THREADS=1, HASH_QUEUE=1)
    gate, refused = threading.Event(), []

    def wait() -> None:
        with app.app_context():
            try:
                passwords._on_pool(gate.wait, 60)
            except Overloaded as error:
                refused.append(error)

    callers = [threading.Thread(target=wait) for _ in range(5)]
    [caller.start() for caller in callers]
    deadline = time.monotonic() + 60
    while len(refused) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    gate.set()
    [caller.join() for caller in callers]
    assert [error.retry_after for error in refused] == [2, 2, 2]
    assert passwords.verify(GOOD, passwords.hash_password(GOOD))


@pytest.mark.usefixtures("app")
def test_work_that_fails_gives_its_place_back(app: Flask) -> None:
    app.config.update(HASH_THREADS=1, HASH_QUEUE=0)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            passwords._on_pool(lambda: 1 // 0)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="threads have priorities of their own on Linux only")
def test_hashing_threads_give_way_and_the_others_do_not(app: Flask) -> None:
    app.config["HASH_NICENESS"] = 3
    before = os.getpriority(os.PRIO_PROCESS, 0)
    there = passwords._on_pool(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert there == before + 3 and os.getpriority(os.PRIO_PROCESS, 0) == before


@pytest.mark.parametrize(("workers", "threads"), [("1", 8), ("2", 4), ("3", 2), ("8", 1), ("16", 1)])
def test_the_workers_share_the_processors_when_the_number_of_threads_is_0(
    app: Flask, monkeypatch: pytest.MonkeyPatch, workers: str, threads: int
) -> None:
    app.config["HASH_THREADS"] = 0
    monkeypatch.setattr(passwords, "_processors", lambda: 8)
    monkeypatch.setenv("WEB_CONCURRENCY", workers)
    assert passwords._new_pool().threads._max_workers == threads


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.usefixtures("app")
def test_a_forked_worker_hashes_with_threads_of_its_own() -> None:
    stored = passwords.hash_password(GOOD)
    child = os.fork()
    if child == 0:
        os._exit(0 if passwords.verify(GOOD, stored) else 1)
    deadline = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    if ended == (0, 0):
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert ended == (child, 0), "the child waited for threads of its parent"
