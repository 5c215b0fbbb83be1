"""Redaction of formatted personal data: addresses, accounts, cards, telephone numbers.

Digits are grouped by spaces of any width, dots, slashes and dashes. Checksums are verified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import accumulate

from streams.redaction.phones import DASHES, SPACES, without_phones

_DOMAIN = re.compile(r"@(?:[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}|\[[0-9A-Fa-f:.]{2,45}\])")
_NO_DOMAIN = re.compile(r"\.[0-9]{1,63}\Z|^@[1-4]x\.(?:png|jpe?g|gif|svg|webp)\Z")
"""Package versions (`node@18.11.9`) and images for high-resolution screens (`logo@2x.png`)."""
_LOCAL_SIGNS = frozenset("._%+'-")
_LONGEST_LOCAL = 64

_IBAN = re.compile(
    rf"(?<![A-Za-z0-9])[A-Za-z]{{2}}[0-9]{{2}}(?:[{SPACES}{DASHES}]?[A-Za-z0-9]){{11,30}}"
    r"(?![A-Za-z0-9])"
)
_IBAN_UNCHECKED = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_IBAN_LENGTHS = range(15, 35)

_UUID = r"(?P<uuid>\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b)"

_CARD = re.compile(_UUID + rf"|(?<![\w.])\d(?:[{SPACES}._{DASHES}]{{0,2}}\d){{12,29}}(?!\w)")
_ISSUED: dict[int, tuple[str, ...]] = {
    # Visa's old length; epochs in milliseconds begin with 1, book numbers with 97.
    13: ("4",),
    14: ("30", "36", "38", "39"),
    15: ("34", "37", "2131", "1800"),
    16: ("2", "3", "4", "5", "6", "81", "82", "9792"),
    17: ("5", "6"),
    18: ("5", "6", "81"),
    19: ("4", "5", "6", "9792"),
}
"""Prefixes of cards (ISO/IEC 7812) by length: other numbers satisfy Luhn's rule by chance."""
_CARD_DIGITS = range(min(_ISSUED), max(_ISSUED) + 1)
_MOST_GROUPS = 8
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_GROUP = re.compile(r"\d+")
_DECIMAL = re.compile(r"\d{1,9}\.\d{7,30}")

_IPV4 = re.compile(r"(?<![A-Za-z0-9.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)", re.ASCII)
_VERSION_CHARACTERS = 12
_VERSION_NAME = re.compile(r"(?i:\b(?:version|release|build|ver|v)[ .:=]{0,3})\Z")
_PRODUCT = re.compile(r"[A-Za-z]/\Z")
_ALLOCATED = tuple(
    map(
        ip_network,
        ("2000::/3", "fc00::/7", "fe80::/10", "ff00::/8", "::ffff:0:0/96", "64:ff9b::/96"),
    )
)
"""Ranges of IPv6 addresses (RFC 4291, IANA's registry): `a::b` is a name in C++."""
_INDEXED = re.compile(r"[\w\])]\[\Z")
_IPV6_RUN = re.compile(r"[0-9A-Fa-f:.]{3,200}")
_SIGN_CHARACTERS = 3
_NUMBERS = re.compile(r"[0-9:]{1,200}")
_SLICE = re.compile(r"\d{0,3}::\d{0,3}")
"""`::1` and `1::2` are more often operators of a programming language than addresses."""


def without_emails(text: str) -> str:
    """Redact mail addresses."""
    parts, at = [], 0
    for found in _DOMAIN.finditer(text):
        if _NO_DOMAIN.search(found[0]):
            continue
        begin = found.start()
        first = max(at, begin - _LONGEST_LOCAL)
        while begin > first and (text[begin - 1].isalnum() or text[begin - 1] in _LOCAL_SIGNS):
            begin -= 1
        if begin < found.start():
            parts += [text[at:begin], "<email>"]
            at = found.end()
    return "".join((*parts, text[at:]))


def without_ibans(text: str) -> str:
    """Redact account numbers: those with a valid checksum, and those in the usual format."""
    return _IBAN_UNCHECKED.sub("<iban>", _IBAN.sub(_iban, text))


def _iban(match: re.Match[str]) -> str:
    """Redact the longest prefix that ends a word and has valid check digits (ISO 7064)."""
    found = match[0]
    end = count = rest = 0
    head = int("".join(str(int(char, 36)) for char in found[:4]))
    for place, char in enumerate(found):
        if not char.isalnum():
            continue
        count += 1
        if count <= 4:
            continue
        rest = (rest * (10 if char.isdecimal() else 100) + int(char, 36)) % 97
        # The first four characters are read after the others: two letters, two digits.
        if (
            count in _IBAN_LENGTHS
            and (rest * 1_000_000 + head) % 97 == 1
            and not found[place + 1 : place + 2].isalnum()
        ):
            end = place + 1
    return f"<iban>{found[end:]}" if end else found


def without_cards(text: str) -> str:
    """Redact card numbers."""
    return _CARD.sub(_card, text)


def _card(match: re.Match[str]) -> str:
    """Redact the groups that form a card number, and keep the digits beside them."""
    found = match[0]
    if match["uuid"]:
        return found
    groups = [group.span() for group in _GROUP.finditer(found)]
    digits = [int(each) for each in found if each.isdecimal()]
    counts = [0, *accumulate(end - first for first, end in groups)]
    if len(groups) > _MOST_GROUPS:
        # Longer than a card: all of it, or nothing.
        return "<card>" if _is_card(digits) else found
    if _DECIMAL.fullmatch(found):
        return found
    for index, (first, _) in enumerate(groups):
        for last in range(len(groups) - 1, index - 1, -1):
            if counts[last + 1] - counts[index] not in _CARD_DIGITS:
                continue
            end = groups[last][1]
            if found[first - 1 : first] == "." or found[end : end + 1] == ".":
                continue
            if _is_card(digits[counts[index] : counts[last + 1]]):
                return f"{found[:first]}<card>{found[end:]}"
    return found


def _is_card(digits: Sequence[int]) -> bool:
    """Return whether digits have a card's prefix and length, and satisfy Luhn's rule (ISO/IEC
    7812-1).
    """
    begin = "".join(map(str, digits[:4]))
    if not begin.startswith(_ISSUED.get(len(digits), ())):
        return False
    return (sum(digits[-1::-2]) + sum(map(_DOUBLED.__getitem__, digits[-2::-2]))) % 10 == 0


def without_addresses(text: str) -> str:
    """Redact IPv6 and IPv4 addresses; a port or a prefix length after one is kept."""
    if ":" in text:
        text = _IPV6_RUN.sub(_ipv6, text)
    return _IPV4.sub(_ipv4, text)


def _ipv4(match: re.Match[str]) -> str:
    """Redact an address; `Chrome/120.0.0.0` and `version 1.2.3.4` are none."""
    before = match.string[max(match.start() - _VERSION_CHARACTERS, 0) : match.start()]
    if _VERSION_NAME.search(before):
        return match[0]
    is_product = match[0].endswith(".0.0.0") and _PRODUCT.search(before)
    return "<ip>" if not is_product and _is_address(match[0]) else match[0]


def _ipv6(match: re.Match[str]) -> str:
    found = match[0]
    if found.count(":") < 2:
        return found
    text, first, end = match.string, match.start(), match.end()
    before, after = text[max(first - 1, 0) : first], text[end : end + 1]
    if after.isalnum() or after == "_":
        return found
    if _INDEXED.search(text[max(first - 2, 0) : first]) and _NUMBERS.fullmatch(found):
        return found
    head = ""
    if before.isalnum() or before == "_":
        # `source:2001:db8::1`: the letters in front belong to a word.
        head, _, found = found.partition(":")
        head += ":"
    whole = found.rstrip(".")
    for address in (whole, whole.removesuffix(":")):
        if ":" in address and _is_address(address):
            return f"{head}<ip>{found[len(address) :]}"
    return head + found


@lru_cache(maxsize=4_096)
def _is_address(text: str) -> bool:
    """Return whether a text is an address; `::` alone is also an operator."""
    if len(text) <= _SIGN_CHARACTERS or _SLICE.fullmatch(text):
        return False
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        return any(address in network for network in _ALLOCATED)
    return True


FORMS: dict[str, Callable[[str], str]] = {
    "email": without_emails,
    "iban": without_ibans,
    "card": without_cards,
    "ip": without_addresses,
    "phone": without_phones,
}
"""Redaction of each kind, in the order in which they run."""
