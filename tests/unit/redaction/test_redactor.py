"""Personal identifiers are removed before storage, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.redaction.redactor import KINDS, MOST_CHARACTERS, MOST_SEARCHED, redact

OUT = {
    "Write to ada.lovelace+x@mail.example.org please": "Write to <email> please",
    "My card is 4111 1111 1111 1111, thanks": "My card is <card>, thanks",
    "IBAN DE89 3704 0044 0532 0130 00": "IBAN <iban>",
    "Call +49 30 1234 5678 today": "Call <phone> today",
    "from 192.168.17.4 at noon": "from <ip> at noon",
    "use sk-abcdefghijklmnop1234567890 here": "use <key> here",
    "AKIAABCDEFGHIJKLMNOP": "<key>",
    "ASIAABCDEFGHIJKLMNOP.": "<key>.",
    "sk-ant-api03-abcdefghijklmnop_qrstu-vw": "<key>",
    "sk_live_abcdefghijklmnopqrst": "<key>",
    "glpat-abcdefghijklmnopqrst and": "<key> and",
    "github_pat_11ABCDEFG0abcdefghijklmnop": "<key>",
    "AIzaSyA-abcdefghijklmnopqrstuvwxyz01234": "<key>",
    "hf_abcdefghijklmnopqrstuvwxyzabcdefgh": "<key>",
    "SG.abcdefghijklmnopqrst.uvwxyzabcdefghijklmnop": "<key>",
    "Authorization: Bearer abc.def~ghi+jkl/mno==": "Authorization: <key>",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN": "<key>",
    "postgres://app:s3cret@db.example/x": "postgres://<key>@db.example/x",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/=\nAB12==\n-----END RSA PRIVATE KEY-----\nbye": (
        "<key>\nbye"
    ),
    "-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEA": "<key>",
    "4111.1111.1111.1111": "<card>",
    "from 2001:db8::8a2e:370:7334 and ::ffff:10.1.2.3": "from <ip> and <ip>",
    "fe80::1": "<ip>",
    "+4930123456789": "<phone>",
    "(212) 555-0187": "<phone>",
    "0049 30 1234567": "<phone>",
    "call +1 (212) 555-0187 x5": "call <phone> x5",
    "1-800-555-0199": "<phone>",
    "+49 (0)30 1234567": "<phone>",
    "030/1234567 or 0171 1234567": "<phone> or <phone>",
    "+33 6 12 34 56 78": "<phone>",
    "+49\u00a030\u00a01234567": "<phone>",
    "+49 30 123\u201145\u201167": "<phone>",
    "tel:+15551234567": "tel:<phone>",
    "3782 822463 10005": "<card>",
    "4111\u00a01111\u00a01111\u00a01111": "<card>",
    "4111\u20111111\u20111111\u20111111": "<card>",
    "4111_1111_1111_1111 and 4111  1111  1111  1111": "<card> and <card>",
    "order 12 4111 1111 1111 1111 12/27": "order 12 <card> 12/27",
    "card:4111111111111111": "card:<card>",
    "http://10.1.2.3:8080/x and ip:10.1.2.4": "http://<ip>:8080/x and ip:<ip>",
    "10.1.2.3-10.1.2.9, 10.0.0.0/8": "<ip>-<ip>, <ip>/8",
    "source:2001:db8::1 x, [2001:db8::1]:443": "source:<ip> x, [<ip>]:443",
    "2001:db8:abcd:12::/64": "<ip>/64",
    "2001:0DB8:85a3:0000:0000:8a2e:0370:7334.": "<ip>.",
    "fe80::1ff:fe23:4567:890a%eth0": "<ip>%eth0",
    "jürgen@müller.de, иван@пример.рф": "<email>, <email>",
    "o'neil@example.org; a@s1.s2.s3.s4.example.org": "<email>; <email>",
    "de89370400440532013000": "<iban>",
    "DE89-3704-0044-0532-0130-00 is mine": "<iban> is mine",
    "FR14\u00a02004\u00a01010\u00a00505\u00a00001\u00a03M02\u00a0606": "<iban>",
    "GB82 WEST 1234 5698 7654 32 please pay": "<iban> please pay",
}
STAYS = [
    "The order 4111 1111 1111 1112 is no card",
    "In 2024 we sold 1,250 of 3.5 m each",
    "version 1.2.3 of release 10.20.300.4",
    "f(x) = 3 - 4 * 12 + 5",
    "@home and a@b",
    "std::vector<int> and std::map",
    "at 10:30:15 we met, ratio 1:2:3",
    "task-force, sk-etch, risk-averse",
    "https://example.org/a:b@c",
    "1.959963984540054 and 0.18000000000000002",
    "x[1::2], y[::3], std::dead::beef_cafe",
    "00:1a:2b:3c:4d:5e",
    "in20 years 1234 people moved to de89 or nowhere",
]
DATES = ["on 2024-03-15", "15.03.2024", "2019-2023", "12/31/1999"]


@pytest.mark.parametrize("text", OUT)
def test_an_identifier_with_a_known_format_is_replaced_by_its_kind(text: str) -> None:
    assert redact(text, KINDS) == OUT[text]


@pytest.mark.parametrize("text", STAYS)
def test_lookalikes_are_kept(text: str) -> None:
    found = redact(text, [kind for kind in KINDS if kind != "phone"])

    assert found == text


@pytest.mark.parametrize("text", DATES)
def test_a_date_is_no_telephone_number(text: str) -> None:
    assert redact(text, KINDS) == text


def test_only_the_named_kinds_are_removed() -> None:
    text = "a@b.example from 10.0.0.1"

    assert redact(text, ["ip"]) == "a@b.example from <ip>"
    assert redact(text, []) == text


def test_a_text_is_kept_up_to_a_length() -> None:
    assert len(redact("x" * (2 * MOST_CHARACTERS), KINDS)) == MOST_SEARCHED
    assert len(redact("x" * (2 * MOST_CHARACTERS), ())) == MOST_CHARACTERS


@given(st.text(alphabet="0123456789 -.@ABCxyz_+()", max_size=2_000))
def test_redaction_is_idempotent(text: str) -> None:
    once = redact(text, ["email", "key", "ip"])

    assert redact(once, ["email", "key", "ip"]) == once


@pytest.mark.parametrize(
    "text",
    [
        *("a@" * 40_000, "1-" * 40_000, "+1 " * 30_000, "eyJ" * 30_000, "a:" * 50_000),
        *("-----BEGIN PRIVATE KEY-----" * 4_000, "bearer " * 15_000, "://a:" * 20_000),
    ],
)
def test_hostile_texts_end(text: str) -> None:
    assert len(redact(text, KINDS)) <= MOST_CHARACTERS + 100_000
