"""Finds what opens doors: private keys, vendors' API keys, tokens, passwords.

A key has a form of its own (a vendor's prefix), or its name says what it is (`api_key=`). Each form
stands beside small letters of which one is in every text that has such a key: a pattern is tried
only where one is, since most texts have no key of most forms.
"""

from __future__ import annotations

import re

MARK = "<key>"

_PREFIXED = (
    # Models and what stands around them.
    *("xai-", "gsk_", "gsk-", "pplx-", "nvapi-", "csk-", "fw_", "r8_", "hf_", "api_org_"),
    *("tvly-", "pcsk_", "lsv2_pt_", "lsv2_sk_", "jina_", "ABSK", "bedrock-api-key-", "sgp_"),
    # Code and packages.
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "gitea_", "CCIPAT_", "bkua_"),
    *("glpat-", "glrt-", "gldt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-", "glagent-"),
    *("npm_", "npm-", "pypi-", "rubygems_", "dckr_pat_", "dckr_oat_", "ATBB", "e2b_"),
    # Clouds and services.
    *("dop_v1_", "doo_v1_", "dor_v1_", "hvs.", "hvb.", "hvr.", "dp.pt.", "dp.st.", "pscale_"),
    *("shpat_", "shpss_", "shpca_", "shppa_", "glc_", "glsa_", "sntrys_", "sntryu_", "NRAK-"),
    *("whsec_", "sq0atp-", "sq0csp-", "EAAA", "ATATT3", "PMAK-", "lin_api_", "lin_oauth_"),
    *("ntn_", "figd_", "sbp_", "nfp_", "HRKU-", "pat-", "ops_", "tfp_", "rpa_", "phx_", "phc_"),
    *("AGE-SECRET-KEY-1", "LTAI", "AKID", "GOCSPX-", "wandb_"),
)
"""Vendors' prefixes. Behind one stand at least 20 letters, digits and signs, with a digit among the
first 40, or else 20 letters on end: names in programs are not like that."""

_FORMS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("bearer",), r"(?i:\bbearer\s{1,4})[\w.~+/=-]{16,2000}"),
    (("basic",), r"(?i:\bbasic\s{1,4})(?=[A-Za-z]{0,100}[0-9+/=])[A-Za-z0-9+/=]{12,2000}"),
    (
        ("authorization",),
        r"((?i:\bauthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?))(?!<)"
        r"(?:[A-Za-z0-9-]{1,20}[ ]{1,3})?[^\s\"',<]{12,2000}",
    ),
    (("cookie",), r"((?i:\bcookie[\"']?:\s{0,3}))[^\r\n<]{4,8000}"),
    (
        ("sk-", "sk_", "pk-", "pk_", "rk-", "rk_"),
        r"\b(?:sk|pk|rk)[-_](?:(?:live|test|proj|ant|or|admin|svcacct)[-_])?[A-Za-z0-9_-]{16,600}",
    ),
    (("akia", "asia", "abia", "acca"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b"),
    (("xox", "xapp-"), r"\bxox[abceoprs]-[A-Za-z0-9-]{10,250}|\bxapp-[A-Za-z0-9-]{10,250}"),
    (
        ("aiza", "ya29.", "1//"),
        r"\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_-]{20,2000}"
        r"|(?<![\w/])1//[A-Za-z0-9_-]{30,200}",
    ),
    (("8q~",), r"(?<![\w~.-])[\w~.-]{3}8Q~[\w~.-]{28,40}"),
    (("sg.",), r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}"),
    ((":aa",), r"(?<![\w:])\d{8,10}:AA[A-Za-z0-9_-]{32,35}"),
    (("eyj",), r"(?<![\w.-])eyJ[\w.=-]{20,8000}"),
    (
        ("hooks.slack.com/", "/api/webhooks/", "webhook.office.com/"),
        r"\bhooks\.slack\.com/[A-Za-z]{4,12}/[\w/-]{16,200}|/api/webhooks/\d{5,25}/[\w-]{20,200}"
        r"|\bwebhook\.office\.com/[\w/@-]{20,400}",
    ),
    # A password in a URL: what stands between the user and the host.
    (("://",), r"(?<=://)[^\s/:@]{1,64}:[^\s/@]{1,128}(?=@)"),
    (
        ("?", "&"),
        r"((?i:[?&](?:key|sig|signature|code|auth|password|pwd|x-amz-[a-z-]{3,20}"
        r"|x-goog-signature|[a-z_-]{0,20}(?:token|secret|api_?key))=))[^\s&#\"'<>]{6,2000}",
    ),
)

_FOUND = tuple((hints, re.compile(pattern)) for hints, pattern in _FORMS)

_LONG = re.compile(r"[A-Za-z0-9_+/.=-]{23,}")
"""What may hold a key of these forms: few words are so long."""

_PREFIX = re.compile(
    rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, _PREFIXED))})"
    r"(?=[A-Za-z0-9_+/.-]{0,40}[0-9]|[A-Za-z]{20})[A-Za-z0-9_+/.-]{20,600}={0,2}"
)
_IN_LONG = re.compile(
    r"\b(?:SK|AC|dapi|key-)[0-9a-f]{32}\b|\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}"
)

_ASSIGNED = re.compile(
    r"(?::=|=>|[:=])\s{0,3}(?:\"(?P<double>[^\"\n<]{4,2000})|'(?P<single>[^'\n<]{4,2000})"
    r"|(?P<plain>[^\s\"',;&<>(){}\[\]]{4,2000}))"
)
_NAME_CHARACTERS = 40
_KEY_NAME = re.compile(
    r"(?:(?:api|access|account|secret|private|auth|signing|shared|master|service|subscription"
    r"|encryption|storage|deploy|license)[_ -]?key|api[_ -]?secret|secret[_ -]?access[_ -]?key"
    r"|(?:client|app|consumer|webhook)[_ -]?secret|secret|token|credentials?)"
    r"[\"']?\]?\s{0,3}\Z",
    re.IGNORECASE,
)
_PASSWORD_NAME = re.compile(
    r"(?:passw(?:or)?d|passwd|pwd|passphrase|passwort)[\"']?\]?\s{0,3}\Z", re.IGNORECASE
)
_KEY_VALUE = re.compile(r"(?=[^0-9]{0,60}[0-9])[A-Za-z0-9_+/=.~%-]{16,2000}")
_MORE_THAN_LETTERS = re.compile(r"[A-Za-z]{0,60}[^A-Za-z.,;:!?]")
_LONGEST_LETTERS = 6
_KEY_NAMES = ("key", "secret", "token", "credential")
_PASSWORD_NAMES = ("passw", "pwd", "passphrase")
_NAMES = (*_KEY_NAMES, *_PASSWORD_NAMES)

_PEM_BEGIN = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_PEM_BODY = re.compile(r"[A-Za-z0-9+/=:,.>|\s\\-]*")
_PEM_END = re.compile(r"-{4,5} ?END [A-Z0-9 ]{0,40}(?:-{4,5})?")
_PUTTY = re.compile(
    r"(?i:private-lines:)\s{0,3}\d{1,3}\s{1,3}(?:[A-Za-z0-9+/=]{1,80}(?:\s|\\[nr]){1,4}){1,400}"
)
_MOST_PEM = 40_000


def without_keys(text: str) -> str:
    """The text with each key replaced by its mark."""
    text = _without_private_keys(text)
    small = text.lower()
    for hints, form in _FOUND:
        if any(hint in small for hint in hints):
            text = form.sub(_marked, text)
    text = _LONG.sub(_without_tokens, text)
    return _without_named(text) if any(name in small for name in _NAMES) else text


def _without_tokens(match: re.Match[str]) -> str:
    """A long word without the keys in it."""
    word = match[0]
    if any(prefix in word for prefix in _PREFIXED):
        word = _PREFIX.sub(MARK, word)
    return _IN_LONG.sub(MARK, word)


def _without_named(text: str) -> str:
    """Values out whose names say that they are secret."""
    parts, at = [], 0
    for found in _ASSIGNED.finditer(text):
        name = text[max(at, found.start() - _NAME_CHARACTERS) : found.start()]
        secret = _secret_in(name, found)
        if secret is not None:
            parts += [text[at : secret[0]], MARK]
            at = secret[1]
    return "".join((*parts, text[at:]))


def _secret_in(name: str, found: re.Match[str]) -> tuple[int, int] | None:
    """Where the secret of an assignment lies, if its name or its form says that it has one."""
    group = found.lastgroup or "plain"
    value = found[group]
    first, end = found.span(group)
    small = name.lower()
    if any(map(small.__contains__, _KEY_NAMES)):
        key = _KEY_VALUE.match(value)
        if key is not None and _KEY_NAME.search(name):
            return first, first + key.end()
    if not any(map(small.__contains__, _PASSWORD_NAMES)) or not _PASSWORD_NAME.search(name):
        return None
    # In prose a word may follow: `password: please`. A password has more than letters.
    is_plain = group == "plain" and found[0].startswith(":")
    if is_plain and (len(value) < _LONGEST_LETTERS or not _MORE_THAN_LETTERS.match(value)):
        return None
    return first, end


def _marked(match: re.Match[str]) -> str:
    """The mark behind what says that a key follows, if the form has it."""
    return f"{match[1]}{MARK}" if match.re.groups else MARK


def _without_private_keys(text: str) -> str:
    """Private keys out, whole blocks with their headers; one that is cut off as far as it goes."""
    if "PRIVATE KEY" not in text and "rivate-" not in text:
        return text
    parts, at = [], 0
    ends = _Ends(text)
    while (begin := _PEM_BEGIN.search(text, at)) is not None:
        parts += [text[at : begin.start()], MARK]
        at = _end_of_pem(text, begin.end(), ends.after(begin.end()))
    return _PUTTY.sub(f"{MARK}\n", "".join((*parts, text[at:])))


class _Ends:
    """Where blocks end, asked for in ascending order: each part of the text is looked at once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = -1

    def after(self, at: int) -> int:
        """Where the next end begins, or the text ends."""
        if self._next < at:
            found = _PEM_END.search(self._text, at)
            self._next = len(self._text) if found is None else found.start()
        return self._next


def _end_of_pem(text: str, at: int, end: int) -> int:
    """Where the block ends whose head ends at `at`, where the next end begins at `end`."""
    if end == len(text) or end - at > _MOST_PEM:
        body = _PEM_BODY.match(text, at, at + _MOST_PEM)
        return at if body is None else body.end()
    found = _PEM_END.match(text, end)
    return end if found is None else found.end()
