"""The names of an account: what is one, what is not, and what counts as the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from userapp import identifiers
from userapp.errors import AddressMalformed, EmailMalformed, NameAllDigits, NameMalformed, PhoneMalformed


@pytest.fixture(autouse=True)
def context() -> Iterator[None]:
    app = Flask(__name__)
    app.config.update(PHONE_REGION="CN", EMAIL_TEST_DOMAINS=False)
    with app.app_context():
        yield


# user names


@pytest.mark.parametrize(
    "value", ["ni", "ning", "宁", "a1", "张三", "Ольга", "josé", "नमस्ते", "a_b-c", "x" * 30, "3com", "Ning-2024", "a-"]
)
def test_letters_and_digits_of_any_script_are_a_user_name(value):
    if len(value) < 2:
        with pytest.raises(NameMalformed):
            identifiers.user_name(value)
    else:
        assert identifiers.user_name(value)


@pytest.mark.parametrize("value", ["12", "13800138000", "１２３", "٠١٢", "1" * 30, "7" * 5])
def test_digits_alone_are_an_account_number(value):
    with pytest.raises(NameAllDigits):
        identifiers.user_name(value)


@pytest.mark.parametrize(
    "value",
    ["", "a", "x" * 31, "a b", " ning", "ning ", "a@b", "a@b.cn", "a.b", "<b>", "a\x00b", "a\nb", "ning\n", "a\u200bb",
     "a\u202eb", "ni\u00adng", "😀😀", "--", "_-", "\u0301a", "+8613800138000", "138-0013-8000", "x" * 5000,
     "a/b", "ﷺ" * 2],
)  # fmt: skip
def test_anything_else_is_none(value):
    with pytest.raises(NameMalformed):
        identifiers.user_name(value)


@pytest.mark.parametrize("value,shown", [("ｎｉｎｇ", "ning"), ("Ｎing", "Ning"), ("ﬁsh", "fish"), ("e\u0301a", "éa")])
def test_a_name_is_kept_in_its_compatible_form(value, shown):
    assert identifiers.user_name(value) == shown


@pytest.mark.parametrize(
    "one,other",
    [("Ning", "nING"), ("ｎｉｎｇ", "ning"), ("straße", "STRASSE"), ("ΣΑΣ", "σας"), ("ﬁsh", "FISH"), ("İx", "i̇X")],
)
def test_case_and_width_make_no_second_account(one, other):
    assert identifiers.folded(one) == identifiers.folded(other)


@pytest.mark.parametrize("value", ["Ning", "ǰx", "ΐab", "ᾳβ", "İstanbul", "ﬀ", "ͅα", "㎢x"])
def test_folding_again_moves_nothing(value):
    assert identifiers.folded(identifiers.folded(value)) == identifiers.folded(value)


# phone numbers


@pytest.mark.parametrize("value", ["13800138000", "19912345678", "16612345678", "14712345678", "17012345678"])
def test_a_chinese_mobile_number_is_stored_with_its_country(value):
    assert identifiers.phone(value) == "+86" + value


@pytest.mark.parametrize(
    "value",
    ["+8613800138000", "008613800138000", "+86 138 0013 8000", "138-0013-8000", "138 0013 8000",
     "１３８００１３８０００",
          "+86-13800138000", "(138) 0013.8000", " 13800138000 ", "＋８６１３８００１３８０００"],
)  # fmt: skip
def test_one_number_in_any_notation_is_one_account(value):
    assert identifiers.phone(value) == "+8613800138000"


@pytest.mark.parametrize(
    "value",
    [
        "12345678901",  # no such prefix
        "1380013800",  # ten digits
        "138001380000",  # twelve
        "10086",  # a short code
        "01012345678",  # a fixed line
        "",
        "abc",
        "13800138000\n",
        "\t13800138000",
        "13800138000;13900139000",
        "13800138000,13900139000",
        "+1 900 555 0100",  # premium rate
        "+882 16 1234",  # satellite
        "٠١٢٣٤٥٦٧٨٩٠",  # Arabic digits
        "1" * 5000,
        "13800138000\x00",
        "tel:13800138000",
        "13800138000 ext. 5",
        "13800138000#5",
        "+86+13800138000",
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_no_text_can_reach_is_refused(value):
    with pytest.raises(PhoneMalformed):
        identifiers.phone(value)


def test_a_foreign_number_needs_its_country(make_number="+44 7400 123456"):
    assert identifiers.phone(make_number) == "+447400123456"
    assert identifiers.phone_or_none("07400 123456") is None


# e-mail addresses


@pytest.mark.parametrize(
    "value,stored",
    [("Ning@Example.COM", "ning@example.com"), (" a.b+c@example.com ", "a.b+c@example.com"),
     ("x@中文.cn", "x@xn--fiq228c.cn"), ("x_y@sub.example.com", "x_y@sub.example.com")],
)  # fmt: skip
def test_an_address_is_stored_in_one_form(value, stored):
    assert identifiers.email(value) == stored
    assert identifiers.email(stored) == stored


@pytest.mark.parametrize(
    "value",
    ["", "ning", "@example.com", "a@", "a@b", "a@@example.com", "a b@example.com", "a@example..com", ".a@example.com",
     "a.@example.com", "a..b@example.com", "a@-example.com", "a@[127.0.0.1]", '"a b"@example.com', "ａ@example.com",
     "名@example.com", "a@example.com\nBcc: b@example.com", "a@example.com,b@example.com", "A <a@example.com>",
     "a@x.test",
     "a" * 65 + "@example.com", "a@" + "b" * 300 + ".com", "a\x00@example.com", "a@localhost", "a@example.com>"],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_what_is_no_ordinary_address_is_refused(value):
    with pytest.raises(EmailMalformed):
        identifiers.email(value)
    with pytest.raises(AddressMalformed):
        identifiers.email(value, AddressMalformed)


# telling them apart


@pytest.mark.parametrize(
    "value,kind",
    [("a@b.cn", "email"), ("@", "email"), ("13800138000", "phone"), ("+86 138 0013 8000", "phone"),
     ("１３８００１３８０００", "phone"), ("31", "uid"), ("１２", "uid"), ("00031", "uid"), ("1380013800", "uid"),
     ("ning", "uname"), ("３com", "uname"), ("", "uname"), ("x" * 9000, "uname")],
)  # fmt: skip
def test_an_identifier_is_known_by_its_shape(value, kind):
    assert identifiers.kind_of(value) == kind


@pytest.mark.parametrize("value", ["ning", "张三", "3com", "x-1", "a_b"])
def test_no_user_name_looks_like_another_kind(value):
    assert identifiers.kind_of(identifiers.user_name(value)) == "uname"


@pytest.mark.parametrize(
    "kind,value,stored",
    [("uname", " Ｎing ", "ning"), ("uid", " ３１ ", "31"), ("phone", "138-0013-8000", "+8613800138000"),
     ("phone", "x", None),
     ("email", "A@B.cn", "a@b.cn"), ("email", "x", None), ("uname", "x" * 201, None)],
)  # fmt: skip
def test_a_login_name_is_looked_up_in_its_stored_form(kind, value, stored):
    assert identifiers.canonical(kind, value) == stored


@pytest.mark.parametrize("value,shown", [("ning@example.com", "n***@example.com"), ("+8613800138000", "+86****00")])
def test_a_masked_address_tells_its_owner_only(value, shown):
    assert identifiers.masked(value) == shown
