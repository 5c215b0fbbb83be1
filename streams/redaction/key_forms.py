"""Forms of keys and tokens: vendors' prefixes, headers, URL parameters.

Most prefixes also begin names in programs (`pk_users_id`), and prose mentions bearers and cookies:
each match is checked before it is removed.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Callable

from streams.redaction.token_shapes import is_plain_words, is_random, is_reference, names_secret

_NAME_LIKE = (
    # Names in programs begin like this too: the rest must be random.
    *("hf_", "npm_", "npm-", "pypi-", "fw_", "gsk_", "gsk-", "csk-", "r8_", "api_org_", "jina_"),
    *("wandb_", "rubygems_", "e2b_", "nfp_", "glc_", "tfp_", "rpa_", "phx_", "phc_", "sgp_"),
    *("bkua_", "ntn_", "sbp_", "figd_", "pat-", "ops_", "bedrock-api-key-", "xai-", "EAAA"),
)
_PREFIXED = (
    # Model providers and related services.
    *("pplx-", "nvapi-", "tvly-", "pcsk_", "lsv2_pt_", "lsv2_sk_", "ABSK"),
    # Code and packages.
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "gitea_", "CCIPAT_"),
    *("glpat-", "glrt-", "gldt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-", "glagent-"),
    *("dckr_pat_", "dckr_oat_", "ATBB"),
    # Clouds and services.
    *("dop_v1_", "doo_v1_", "dor_v1_", "hvs.", "hvb.", "hvr.", "dp.pt.", "dp.st.", "pscale_"),
    *("shpat_", "shpss_", "shpca_", "shppa_", "glsa_", "sntrys_", "sntryu_", "NRAK-"),
    *("whsec_", "sq0atp-", "sq0csp-", "ATATT3", "PMAK-", "lin_api_", "lin_oauth_", "HRKU-"),
    *("AGE-SECRET-KEY-1", "LTAI", "AKID", "GOCSPX-"),
)
"""Vendors' prefixes. Behind one stand at least 20 letters, digits and signs that are not all plain
words: `glpat-rotation-policy-for-our-team` is a name."""

PREFIX = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<name_like>{'|'.join(map(re.escape, _NAME_LIKE))})"
    rf"|(?:{'|'.join(map(re.escape, _PREFIXED))}))(?P<value>[A-Za-z0-9_+/.-]{{20,600}})={{0,2}}"
)
PREFIXES = (*_NAME_LIKE, *_PREFIXED)

_KNOWN_SCHEMES = frozenset(
    (
        *("apikey", "api-key", "aws4-hmac-sha256", "basic", "bearer", "digest", "hawk", "key"),
        *("negotiate", "token"),
    )
)
_SHORTEST_SPELLED_OUT = 6
_SECRET_KIND = (
    r"(?P<kind>(?i:passw(?:or)?d|passwd|passphrase|pwd|secret|token|(?:api|access|secret)[_-]?key))"
)
_STRIPE = re.compile(r"(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{16,600}")
_ANTHROPIC = re.compile(r"sk-ant-[a-z]{3,8}[0-9]{2}-")

Judge = Callable[[re.Match[str]], bool]
"""Decides whether a match is a secret."""


def _is_key(found: re.Match[str]) -> bool:
    key = found[0]
    return bool(_STRIPE.fullmatch(key) or _ANTHROPIC.match(key)) or is_random(key[3:])


def _is_bearer(found: re.Match[str]) -> bool:
    return not is_plain_words(found["value"]) and not is_reference(found["value"])


def _is_basic(found: re.Match[str]) -> bool:
    """Return whether these are a user and a password in Base64 (RFC 7617)."""
    value = found["value"]
    try:
        plain = b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (BadBase64, ValueError):
        return is_random(value)
    return (":" in plain and plain.isprintable()) or is_random(value)


def _is_authorization(found: re.Match[str]) -> bool:
    value = found["value"]
    if is_reference(value.rstrip(";)")):
        return False
    return (found["scheme"] or "").strip().lower() in _KNOWN_SCHEMES or not is_plain_words(value)


def _is_parameter(found: re.Match[str]) -> bool:
    """Return whether a URL parameter is a secret: tokens and secrets always, codes and keys by
    shape.
    """
    value, name = found["value"], found["name"].lower()
    is_named = names_secret(name.replace("key", "")) and not names_secret(value)
    return (is_named or not is_plain_words(value)) and not is_reference(value)


def _is_user(found: re.Match[str]) -> bool:
    """Return whether a user without a password is a token, and no mailbox address."""
    return is_random(found[0])


def _is_login(found: re.Match[str]) -> bool:
    """Return whether this is a client's `-u user:password`, not a process's `-u 1000:1000`."""
    value = found["value"]
    return not value.isdecimal() and value != found["user"] and not is_reference(value)


def _is_in_markup(found: re.Match[str]) -> bool:
    """Return whether an element or entry with a secret's name holds one; a language token is a
    word.
    """
    value = found["value"]
    is_password = "pass" in found["kind"].lower() or "pwd" in found["kind"].lower()
    return (is_password or not is_plain_words(value)) and not is_reference(value)


def _is_spelled_out(found: re.Match[str]) -> bool:
    """Return whether this is a password: it has a digit, or a sign that ends no sentence. `my
    password is incorrect` has none.
    """
    value = found["value"].rstrip(".,;:!?")
    return len(value) >= _SHORTEST_SPELLED_OUT and not value.isalpha() and not is_reference(value)


def _is_value(found: re.Match[str]) -> bool:
    return not is_reference(found["value"])


FORMS: tuple[tuple[tuple[str, ...], str, Judge | None], ...] = (
    (("bearer",), r"(?i:\bbearer\s{1,4})(?P<value>[\w.~+/=-]{16,2000})", _is_bearer),
    (("basic",), r"(?i:\bbasic\s{1,4})(?P<value>[A-Za-z0-9+/]{8,2000}={0,2})", _is_basic),
    (
        ("authorization",),
        r"(?P<name>(?i:\bauthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?))(?!<)"
        r"(?P<scheme>[A-Za-z0-9-]{1,20}[ ]{1,3})?(?P<value>[^\s\"',<]{12,2000})",
        _is_authorization,
    ),
    # A cookie has a name: recipes mention the other kind.
    (
        ("cookie",),
        r"(?P<name>(?i:\bcookie[\"']?:\s{0,3}))"
        r"(?=[\"']?[^\s=;,\"'<]{1,80}=)[^\r\n<]{4,8000}",
        None,
    ),
    (
        ("sk-", "sk_", "pk-", "pk_", "rk-", "rk_"),
        r"\b(?:sk|pk|rk)[-_](?:(?:live|test|proj|ant|or|admin|svcacct)[-_])?[A-Za-z0-9_-]{16,600}",
        _is_key,
    ),
    (("akia", "asia", "abia", "acca"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b", None),
    (("xox", "xapp-"), r"\bxox[abceoprs]-[A-Za-z0-9-]{10,250}|\bxapp-[A-Za-z0-9-]{10,250}", None),
    (
        ("aiza", "ya29.", "1//"),
        r"\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_-]{20,2000}"
        r"|(?<![\w/])1//[A-Za-z0-9_-]{30,200}",
        None,
    ),
    (("8q~",), r"(?<![\w~.-])[\w~.-]{3}8Q~[\w~.-]{28,40}", None),
    (("sg.",), r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}", None),
    ((":aa",), r"(?<![\w:])\d{8,10}:AA[A-Za-z0-9_-]{32,35}", None),
    (("eyj",), r"(?<![\w.-])eyJ[\w.=-]{20,8000}", None),
    (
        ("hooks.slack.com/", "/api/webhooks/", "webhook.office.com/"),
        r"\bhooks\.slack\.com/[A-Za-z]{4,12}/[\w/-]{16,200}|/api/webhooks/\d{5,25}/[\w-]{20,200}"
        r"|\bwebhook\.office\.com/[\w/@-]{20,400}",
        None,
    ),
    # A password in a URL: between the user and the host.
    (("://",), r"(?<=://)[^\s/:@]{0,64}:[^\s/@]{1,128}(?=@)", None),
    (("://",), r"(?<=://)[A-Za-z0-9_-]{20,256}(?=@)", _is_user),
    (
        ("--pass", "--token", "--api-key", "--client-secret", "--secret"),
        r"(?P<name>--(?:password|passphrase|token|api-key|client-secret|secret)[ ]{1,3}[\"']?)"
        r"(?P<value>[^\s\"'<-][^\s\"'<]{5,2000})",
        _is_value,
    ),
    (
        ("?", "&"),
        r"(?P<name>(?i:[?&](?:auth|password|passwd|pwd)=))(?P<value>[^\s&#\"'<>]{6,2000})",
        _is_value,
    ),
    (
        ("?", "&"),
        r"(?P<name>(?i:[?&](?:key|sig|signature|code|x-amz-(?:credential|signature|security-token)"
        r"|x-goog-signature|[a-z_-]{0,20}(?:token|secret|api_?key))=))"
        r"(?P<value>[^\s&#\"'<>]{6,2000})",
        _is_parameter,
    ),
    (
        (" -u", "--user"),
        r"(?P<name>\s(?:-u[ ]{0,3}|--user[ =])[\"']?(?P<user>[^\s:\"'/<]{1,64}):)"
        r"(?P<value>[^\s\"'<]{4,200})",
        _is_login,
    ),
    # A line of netrc.
    (
        ("login",),
        r"(?P<name>\blogin\s{1,4}[^\s<]{1,100}\s{1,4}passw(?:or)?d\s{1,4})(?P<value>[^\s<]{4,200})",
        _is_value,
    ),
    # SQL: `CREATE USER u IDENTIFIED BY 'x'`, `ALTER ROLE u PASSWORD 'x'`.
    (
        ("identified", "password '"),
        r"(?P<name>(?i:\b(?:identified(?:\s{1,3}with\s{1,3}\w{1,40})?\s{1,3}by|password)\s{1,3})')"
        r"(?P<value>[^'\n<]{4,200})(?=')",
        _is_value,
    ),
    # An element of XML, and an entry of a list of names and values, as in manifests.
    (
        ("</",),
        rf"(?P<name><[\w:.-]{{0,40}}?{_SECRET_KIND}>)(?P<value>[^<\n]{{4,2000}})(?=</)",
        _is_in_markup,
    ),
    (
        ("value",),
        r"(?P<name>(?i:\b(?:key|name)[\"']?\s{0,3}[:=]\s{0,3}[\"']?[\w:.-]{0,40}?)"
        + _SECRET_KIND
        + r"[\"']?[,\s]{1,40}[\"']?(?i:value)[\"']?\s{0,3}[:=]\s{0,3}[\"']?)"
        r"(?P<value>[^\s\"'<>]{4,2000})",
        _is_in_markup,
    ),
    (
        ("password is", "password was", "passphrase is", "passcode is", "pwd is"),
        r"(?P<name>(?i:\b(?:password|passphrase|passcode|pwd)\s(?:is|was)(?:\snow)?\s{0,2}[:=]?"
        r"\s{1,3}[\"'`]?))(?P<value>[^\s\"'`<]{6,200})",
        _is_spelled_out,
    ),
)
"""Each form: lower-case hints of which every match contains one, a pattern, and its check. The
group `name` is kept.
"""
