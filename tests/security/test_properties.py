"""What holds for every input, not only for examples: names, numbers, addresses, codes, keys, `next`.

Hypothesis makes the inputs, the same ones each time; `long` makes thirty times as many.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import phonenumbers
import pytest
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from userapp import codes, credentials, identifiers, keys, web
from userapp.auth import captcha, devices, tokens, work
from userapp.email_binding import undo
from userapp.errors import AppError, EmailMalformed, NameAllDigits, NameMalformed, PhoneMalformed

FEW, MANY = 30, 1000
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=80)  # lone surrogates, too
STORABLE = st.text(max_size=80)  # what a form or cookie can bring
WORDS = st.text(st.characters(categories=("L", "N", "M"), include_characters="_-.@+ ()"), max_size=40)
# What a parser of names, numbers or addresses may take for something it is not.
NASTY = st.text(
    st.sampled_from("aZß１３8İıſK﷼ﷺ①²٣፩٠ａ＠@.-_+ ()#;,:/\\\u0301\u200b\u202e\u00a0\u3000\t\n\0\ud800😀宁"), max_size=20
)
TEXTS = st.one_of(ANYTHING, WORDS, NASTY)
DIGITS = st.text("0123456789", min_size=9, max_size=9)
MOBILE = st.builds("{}{}".format, st.sampled_from(["135", "138", "139", "158", "186"]), DIGITS.map(lambda it: it[:8]))
LOCAL = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=12)
DOMAIN = st.builds("{}.{}".format, LOCAL.map(lambda it: it.replace("_", "x")), st.sampled_from(["cn", "com", "org"]))
KEY = st.text("0123456789abcdef", min_size=64, max_size=64)

Holds = Callable[..., None]
PROPERTIES: list[tuple[Holds, dict[str, SearchStrategy[Any]]]] = []


def holds_for(**inputs: SearchStrategy[Any]) -> Callable[[Holds], Holds]:
    """Note a property and what it is said of."""

    def note(check: Holds) -> Holds:
        PROPERTIES.append((check, inputs))
        return check

    return note


def wide(text: str) -> str:
    """ASCII as a Chinese keyboard types it in full width."""
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


def spelled(mobile: str, how: int) -> str:
    """One number in one of the notations people use."""
    a, b, c = mobile[:3], mobile[3:7], mobile[7:]
    prefixes = ("", "+86", "0086", "+86 ", "+86-", "(+86) ")
    joints = ("", " ", "-", ".", " - ")
    text = prefixes[how % 6] + joints[how // 6 % 5].join((a, b, c))
    return wide(text) if how // 30 % 2 else text


@holds_for(text=TEXTS)
def a_user_name_stays_itself_and_is_of_one_kind(text: str) -> None:
    try:
        name = identifiers.user_name(text)
    except (NameMalformed, NameAllDigits):
        return
    assert identifiers.user_name(name) == name
    assert identifiers.kind_of(text) == identifiers.kind_of(name) == "uname"
    folded = identifiers.folded(name)
    assert identifiers.folded(folded) == folded
    assert identifiers.kind_of(folded) == "uname", "what is stored cannot be taken for another kind either"
    spellings = [text, name, name.lower(), name.casefold(), f" {name} ", wide(name)]
    spellings += [unicodedata.normalize(form, name) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    for spelling in spellings:
        assert identifiers.canonical("uname", spelling) == folded, spelling
    assert not identifiers.email_or_none(text) and not identifiers.phone_or_none(text)


@holds_for(text=TEXTS)
def a_name_refused_is_refused_in_its_compatible_form(text: str) -> None:
    def verdict(value: str) -> type[AppError] | None:
        try:
            identifiers.user_name(value)
        except (NameMalformed, NameAllDigits) as error:
            return type(error)
        return None

    assert verdict(text) == verdict(unicodedata.normalize("NFKC", text))


@holds_for(mobile=MOBILE, how=st.integers(0, 59))
def one_number_is_one_account_in_any_notation(mobile: str, how: int) -> None:
    text = spelled(mobile, how)
    assert identifiers.phone(text) == identifiers.canonical("phone", text) == "+86" + mobile
    assert identifiers.phone("+86" + mobile) == "+86" + mobile
    assert identifiers.kind_of(text) == "phone"
    with pytest.raises((NameMalformed, NameAllDigits)):
        identifiers.user_name(text)
    assert identifiers.account_number_or_none(text) is None


@holds_for(text=st.one_of(TEXTS, st.text("+0123456789 ()-.", max_size=20)))
def a_number_is_stored_in_a_form_that_stays(text: str) -> None:
    try:
        number = identifiers.phone(text)
    except PhoneMalformed:
        return
    assert identifiers.phone(number) == number
    assert phonenumbers.is_valid_number(phonenumbers.parse(number, None))
    assert number[0] == "+" and number[1:].isascii() and number[1:].isdigit() and len(number) <= 16


@holds_for(local=LOCAL, domain=DOMAIN)
def an_ordinary_address_is_stored_in_one_form(local: str, domain: str) -> None:
    stored = identifiers.email_or_none(f"{local}@{domain}")
    assume(stored is not None)  # some names, as `xn--…`, are no domains
    assert stored == f"{local}@{domain}".lower()
    for text in (stored, stored.upper(), f" {stored} ", f"{local}@{domain.upper()}"):
        assert identifiers.canonical("email", text) == stored and identifiers.kind_of(text) == "email"


@holds_for(text=st.one_of(TEXTS, st.builds("{}@{}".format, TEXTS, st.one_of(TEXTS, DOMAIN))))
def an_address_is_plain_ascii_for_one_mailbox(text: str) -> None:
    try:
        stored = identifiers.email(text)
    except EmailMalformed:
        return
    assert stored.isascii() and stored == stored.lower() and stored.count("@") == 1 and len(stored) <= 254
    assert not set(stored) & set(' \t\r\n\0,;:<>()[]"\\')
    assert identifiers.email(stored) == stored and identifiers.kind_of(text) == "email"
    assert not identifiers.phone_or_none(text)
    with pytest.raises(NameMalformed):
        identifiers.user_name(text)


@holds_for(text=TEXTS)
def every_text_is_of_one_kind_and_has_at_most_one_stored_form(text: str) -> None:
    kind = identifiers.kind_of(text)
    stored = identifiers.canonical(kind, text)
    assert kind in ("email", "phone", "uid", "uname")
    compatible = unicodedata.normalize("NFKC", text)
    assert identifiers.kind_of(compatible) == kind or "@" in compatible
    if stored and kind != "uname":  # names: above; others are looked up without being anybody's
        assert identifiers.canonical(kind, stored) == stored
    assert kind != "phone" or stored, "what is taken for a phone number can be looked up as one"
    number = identifiers.account_number_or_none(text)
    if number is not None:
        assert identifiers.account_number_or_none(number) == number == identifiers.canonical("uid", text)
        assert identifiers.kind_of(number) in ("uid", "uname") and "@" not in number


@holds_for(text=TEXTS)
def what_is_shown_of_an_address_hides_it(text: str) -> None:
    stored = identifiers.email_or_none(text) or identifiers.phone_or_none(text)
    shown = identifiers.masked(text)
    assert stored is None or stored not in shown


@holds_for(purpose=st.sampled_from(["reset", "email", "email-new"]), joint=st.sampled_from(["", " ", "-", " - ", "\n"]))
def a_code_may_be_typed_in_groups_and_small(purpose: str, joint: str) -> None:
    code = codes.generate(purpose)
    typed = joint.join(code[start : start + 3] for start in range(0, len(code), 3)).lower()
    assert codes.normalised(typed) == codes.normalised(code) == code


@holds_for(text=TEXTS)
def a_code_is_read_in_one_form(text: str) -> None:
    found = codes.normalised(text)
    assert codes.normalised(found) == found or len(found) > 64
    assert not any(one.isspace() or one == "-" for one in found)


@holds_for(purpose=WORDS, text=ANYTHING, other=ANYTHING)
def a_keyed_hash_fits_its_purpose_and_text_only(purpose: str, text: str, other: str) -> None:
    known = keys.mac(purpose, text)
    assert keys.mac_matches(purpose, text, known)
    assert keys.mac_matches(purpose, other, known) is (text == other)
    assert not keys.mac_matches(purpose + "x", text, known)


@holds_for(text=st.one_of(ANYTHING, KEY.map(str.upper), KEY.map(lambda key: key[:63]), KEY.map(lambda key: key + "\n")))
def what_is_no_key_finds_nobody_and_asks_no_database(text: str) -> None:
    assume(text != text.lower() or len(text) != 64)
    assert credentials.find(text, "token") is None  # there is no database here to ask


@holds_for(text=st.one_of(STORABLE, st.text(string.ascii_letters + string.digits + "._-", max_size=60)))
def what_nobody_signed_is_nothing(text: str) -> None:
    assert captcha.nonce_of(text) is None
    assert devices.read(text, None) == devices.Device()
    with pytest.raises(AppError):
        undo.read(text)
    assert not work.solved("nonce", text) and not work.solved("nonce", work.MARK + text)
    assert tokens._is_near(text) in (False, True)


@holds_for(value=st.text(min_size=1, max_size=30), cut=st.integers(0, 200))
def what_was_signed_is_read_again_and_not_when_it_was_changed(value: str, cut: int) -> None:
    signed = str(keys.signer("captcha").dumps(value))
    assert captcha.nonce_of(signed) == value
    assert devices.read(signed, None) == devices.Device(), "what is signed for one purpose is nothing for another"
    at = cut % len(signed)
    assert captcha.nonce_of(signed[:at]) is None
    changed = signed[:at] + ("A" if signed[at] != "A" else "B") + signed[at + 1 :]
    assert captcha.nonce_of(changed) in (None, value), "the last character holds bits that nobody reads"


TARGET = st.one_of(
    st.text(st.sampled_from("/\\.:@?#%eh25Ff \t\r\n\0\x0b\x1f\x7f\u2028\u3000／⁄＼。"), max_size=16),
    st.builds("{}{}".format, st.sampled_from(["/", "//", "/\\", "/.//", "/%2F", "https:", "/\t/", "\\/"]), ANYTHING),
)


def leaves(target: str) -> bool:
    """Whether a browser would go to another place: WHATWG's URL parser, as far as another origin is concerned."""
    stripped = target.strip("".join(map(chr, range(0x21)))).translate({9: None, 10: None, 13: None})
    start = stripped.replace("\\", "/")
    return start.startswith("//") or not start.startswith("/")


@holds_for(target=TARGET, by_form=st.booleans())
def a_page_to_go_on_to_is_a_path_of_this_place(target: str, by_form: bool) -> None:
    fields = {"next": target.encode("utf-8", "replace").decode()}
    where = {"data": fields} if by_form else {"query_string": fields}
    with Flask(__name__).test_request_context("/user/login", method="POST", **where):  # type: ignore[arg-type]
        found = web.safe_next()
    assert found is None or (found == fields["next"] and not leaves(found)), found


@pytest.fixture
def context() -> Iterator[None]:
    """What the parsers read of the settings."""
    app = Flask(__name__)
    app.config.update(
        PHONE_REGION="CN", EMAIL_TEST_DOMAINS=False, SECRET_KEY="k" * 40, SECRET_KEY_FALLBACKS=[], CAPTCHA_WORK=16
    )
    with app.app_context():
        yield


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
@pytest.mark.parametrize(("check", "inputs"), PROPERTIES, ids=lambda found: getattr(found, "__name__", ""))
def test_it_holds(context: None, check: Holds, inputs: dict[str, SearchStrategy[Any]], examples: int) -> None:
    fixed = settings(
        derandomize=True, database=None, max_examples=examples, deadline=timedelta(seconds=60),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    fixed(given(**inputs)(check))()
