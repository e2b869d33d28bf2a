"""The four names of an account: how each is recognised, and the one form it is stored in."""

from __future__ import annotations

import re
import unicodedata

from flask import current_app

from .errors import AppError, EmailMalformed, NameAllDigits, NameMalformed, PhoneMalformed

LONGEST = 254
_PHONE_CHARACTERS = re.compile(r"[+0-9 ().\-]{5,40}")


def folded(name: str) -> str:
    """The canonical form of a user name: NFKC and casefold, so that look-alikes by width or case are one name.

    Folding can undo normalisation and the other way round, hence NFKC again until nothing moves.
    """
    for _ in range(4):
        result = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        if result == name:
            break
        name = result
    return name


def user_name(value: str) -> str:
    """A user name as it is shown: NFKC, 2–30 letters and digits of any script, `_`, `-`.

    Raises NameAllDigits (10007) or NameMalformed (10008); document A's lines.
    """
    if len(value) > 120:
        raise NameMalformed()
    name = unicodedata.normalize("NFKC", value)
    if name and all(unicodedata.category(character) == "Nd" for character in name):
        raise NameAllDigits()
    if not 2 <= len(name) <= 30 or len(folded(name)) > 60 or not all(map(_is_name_character, name)):
        raise NameMalformed()
    if unicodedata.category(name[0])[0] == "M" or not name.strip("-_") or phone_or_none(name):
        raise NameMalformed()
    return name


def _is_name_character(character: str) -> bool:
    return character in "_-" or unicodedata.category(character) in {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Mn", "Mc"}


def account_number_or_none(value: str) -> str | None:
    """An account number (`uid`) as it is stored: NFKC, 1–30 letters and digits of any script, `_`, `-`, `.`.

    None also for what would be taken for a phone number at sign-in.
    """
    uid = unicodedata.normalize("NFKC", value[:121]).strip()
    fits = 1 <= len(uid) <= 30 and all(_is_name_character(character) or character == "." for character in uid)
    return None if not fits or unicodedata.category(uid[0])[0] == "M" or phone_or_none(uid) else uid


def phone_or_none(value: str) -> str | None:
    """E.164 of a number that can receive a text message, in whatever notation it was written, or None."""
    text = unicodedata.normalize("NFKC", value[:60]).strip(" ")
    if len(value) > 60 or not _PHONE_CHARACTERS.fullmatch(text):
        return None
    import phonenumbers  # here and below: a start need not wait for what the first sign-in or registration loads

    region = str(current_app.config["PHONE_REGION"])
    if text.startswith("00"):  # the international prefix, whatever the region dials
        text = "+" + text[2:]
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    textable = phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE
    if phonenumbers.number_type(number) not in textable:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def phone(value: str) -> str:
    """E.164 of a phone number; raises PhoneMalformed (10006)."""
    number = phone_or_none(value)
    if number is None:
        raise PhoneMalformed()
    return number


def email_or_none(value: str) -> str | None:
    """The canonical form of an address: lower case, ASCII local part, IDNA domain; or None."""
    if len(value) > LONGEST or "@" not in value:
        return None
    from email_validator import EmailNotValidError, validate_email

    testing = bool(current_app.config["EMAIL_TEST_DOMAINS"])
    try:
        found = validate_email(
            value.strip(), check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=testing
        )
    except (EmailNotValidError, ValueError):
        return None
    address = found.ascii_email
    return address.lower() if address and len(address) <= LONGEST else None


def email(value: str, malformed: type[AppError] = EmailMalformed) -> str:
    """The canonical form of an address; raises `malformed` (10000, or document B's 10806)."""
    address = email_or_none(value)
    if address is None:
        raise malformed()
    return address


def kind_of(value: str) -> str:
    """Which of `email`, `phone`, `uid`, `uname` a login identifier is, by its shape alone."""
    if "@" in value:
        return "email"
    text = unicodedata.normalize("NFKC", value[:200]).strip()
    if phone_or_none(text):
        return "phone"
    return "uid" if text.isdigit() else "uname"


def canonical(kind: str, value: str) -> str | None:
    """The stored form of a login identifier of a known kind, or None where it cannot be one."""
    if kind == "email":
        return email_or_none(value)
    if kind == "phone":
        return phone_or_none(value)
    if len(value) > 200:
        return None
    if kind == "uid":
        return unicodedata.normalize("NFKC", value).strip()[:31]
    return folded(value.strip())


def masked(address: str) -> str:
    """An address or number that its owner recognises and nobody else can use."""
    name, at, domain = address.partition("@")
    if not at:
        return address[:3] + "****" + address[-2:]
    return name[:1] + "***" + at + domain
