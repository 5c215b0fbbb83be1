"""Keys, tokens and passwords of any issuer are removed completely."""

from __future__ import annotations

import pytest

from streams.redaction.redactor import KINDS, redact

SECRET = "Zx8Qm2Lp0Vb7Kc5Nd3Rf1Tg9Yh4Uj6Wq"
HEX = "0123456789abcdef"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC+/x\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n"

BLOCKS = {
    "PKCS 8": ("PRIVATE KEY", BODY),
    "PKCS 1 with a passphrase": (
        "RSA PRIVATE KEY",
        f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123ABCD\n\n{BODY}",
    ),
    "elliptic curve": ("EC PRIVATE KEY", BODY),
    "encrypted": ("ENCRYPTED PRIVATE KEY", BODY),
    "OpenSSH": ("OPENSSH PRIVATE KEY", BODY),
    "PGP": ("PGP PRIVATE KEY BLOCK", f"Version: GnuPG v2.0\nComment: mine\n\n{BODY}=aBcD\n"),
}


def _block(name: str) -> str:
    title, body = BLOCKS[name]
    return f"-----BEGIN {title}-----\n{body}-----END {title}-----"


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\\n", "\n> ", "\n    "])
def test_private_keys_are_removed_with_their_headers(name: str, line_end: str) -> None:
    text = f"before {_block(name)} after".replace("\n", line_end)

    assert redact(text, KINDS) == "before <key> after"


@pytest.mark.parametrize("name", BLOCKS)
def test_a_truncated_private_key_is_removed_to_its_end(name: str) -> None:
    block = _block(name)

    for cut in (len(block) - 1, len(block) - 20, len(block) // 2):
        assert redact(f"before {block[:cut]}", KINDS).startswith("before <key>")
        assert "b3Blbn" not in redact(block[:cut], KINDS)


def test_two_private_keys_are_removed_and_the_text_between_is_kept() -> None:
    text = f"{_block('OpenSSH')}\nand\n{_block('PGP')}"

    assert redact(text, KINDS) == "<key>\nand\n<key>"


def test_other_private_keys() -> None:
    ssh = (
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----"
    )
    putty = f"Private-Lines: 2\n{BODY}Private-MAC: 0"

    assert redact(ssh, KINDS) == "<key>"
    assert redact(putty, KINDS) == "<key>\nPrivate-MAC: 0"


def test_certificates_and_public_keys_are_kept() -> None:
    for title in ("CERTIFICATE", "PUBLIC KEY"):
        text = f"-----BEGIN {title}-----\n{BODY}-----END {title}-----"
        assert redact(text, KINDS) == text


KEYS = (
    *(f"xai-{SECRET * 2}", f"pplx-{SECRET}", f"nvapi-{SECRET}", f"csk-{SECRET}", f"fw_{SECRET}"),
    *(f"sk-admin-{SECRET}", f"sk-or-v1-{HEX * 4}", f"sk-proj-{SECRET * 6}", f"gsk_{SECRET}"),
    *(f"sk-ant-oat01-{SECRET}", f"pcsk_{SECRET}", f"tvly-{SECRET}", f"r8_{SECRET}", f"hf_{SECRET}"),
    *(f"ABSK{SECRET * 4}=", f"AIza{(SECRET * 2)[:35]}", f"1//0{SECRET}", f"ya29.{SECRET * 20}"),
    *(f"ghp_{SECRET}AbCd", f"ghs_{SECRET}AbCd", f"glsoat-{SECRET}", f"dckr_pat_{SECRET}"),
    *(f"xoxb-123-456-{SECRET}", f"xoxe-1-{SECRET}", f"xapp-1-{SECRET}", f"whsec_{SECRET}"),
    *(f"rk_live_{SECRET}", f"pk_test_{SECRET}", f"SK{HEX * 2}", f"dapi{HEX * 2}", f"key-{HEX * 2}"),
    *(
        f"hvs.{SECRET * 3}",
        f"abc8Q~{SECRET}",
        f"ATATT3{SECRET}",
        f"lin_api_{SECRET}",
        f"ntn_{SECRET}",
    ),
    *(
        f"ntn_{SECRET}",
        f"figd_{SECRET}",
        f"glsa_{SECRET}_{HEX[:8]}",
        f"shpss_{HEX * 2}",
        f"doo_v1_{HEX * 4}",
    ),
    *(
        f"123456789:AA{SECRET}a",
        f"M{SECRET[:23]}.Cl2FMQ.{SECRET[:27]}",
        f"AGE-SECRET-KEY-1{HEX * 3}",
    ),
    *(f"eyJ{SECRET}.eyJ{SECRET}.{SECRET}", f"bearer {SECRET}", f"Basic {SECRET}=="),
)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "around", ["{}", "it is {}, ok?", "'{}'", '{{"a":"{}"}}', "(x {})", "\n{}\n"]
)
def test_vendors_keys_are_removed_completely_wherever_they_are(key: str, around: str) -> None:
    assert redact(around.format(key), KINDS) == around.format("<key>")


NAMED = {
    f"MISTRAL_API_KEY={SECRET}": "MISTRAL_API_KEY=<key>",
    f"x-api-key: {SECRET}": "x-api-key: <key>",
    f'{{"api_key": "{SECRET}"}}': '{"api_key": "<key>"}',
    f"os.environ['AZURE_OPENAI_API_KEY'] = '{HEX * 2}'": (
        "os.environ['AZURE_OPENAI_API_KEY'] = '<key>'"
    ),
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": (
        "aws_secret_access_key = <key>"
    ),
    '"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",': '"SecretAccessKey": "<key>",',
    f"AccountName=x;AccountKey={SECRET * 2}==;EndpointSuffix=y": (
        "AccountName=x;AccountKey=<key>;EndpointSuffix=y"
    ),
    f"client_secret: {SECRET}": "client_secret: <key>",
    f"refresh_token={SECRET}&x=1": "refresh_token=<key>&x=1",
    "https://a.example/c?sv=2022&sig=abcDEF0123%2Bxyz%3D&x=1": "https://a.example/c?sv=2022&sig=<key>&x=1",
    "https://a.example/?key=AbCdEf012345#top": "https://a.example/?key=<key>#top",
    f"Authorization: Token {SECRET}": "Authorization: <key>",
    f"-H 'Authorization: {SECRET}'": "-H 'Authorization: <key>'",
    f"Cookie: session={SECRET}; theme=dark\nHost: x": "Cookie: <key>\nHost: x",
    f"https://hooks.slack.com/services/T0/B0/{SECRET}": "https://<key>",
    "password=hunter2hunter": "password=<key>",
    'password = "correct horse battery"': 'password = "<key>"',
    '"password": "S3cret!pass"': '"password": "<key>"',
    "Passwort: geheim123": "Passwort: <key>",
    "my password is: hunter2!": "my password is: <key>",
    "The password is `Tr0ub4dor&3`.": "The password is `<key>`.",
    "curl -u admin:hunter2hunter https://a.example": "curl -u admin:<key> https://a.example",
    "curl --user 'me:s3cr3t!' a.example": "curl --user 'me:<key>' a.example",
    "machine a.example\nlogin me\npassword hunter22": "machine a.example\nlogin me\npassword <key>",
    "CREATE USER u IDENTIFIED BY 'hunter22';": "CREATE USER u IDENTIFIED BY '<key>';",
    "ALTER ROLE u WITH PASSWORD 'hunter22'": "ALTER ROLE u WITH PASSWORD '<key>'",
    "<password>hunter22</password>": "<password><key></password>",
    f"<db:ApiKey>{SECRET}</db:ApiKey>": "<db:ApiKey><key></db:ApiKey>",
    '<add key="DbPassword" value="hunter22" />': '<add key="DbPassword" value="<key>" />',
    "- name: DB_PASSWORD\n  value: hunter22\n": "- name: DB_PASSWORD\n  value: <key>\n",
    f'{{"name": "API_TOKEN", "value": "{SECRET}"}}': '{"name": "API_TOKEN", "value": "<key>"}',
    "mongodb+srv://user:p%40ss@cluster.example/x": "mongodb+srv://<key>@cluster.example/x",
}


@pytest.mark.parametrize("text", NAMED)
def test_values_with_secret_names_are_removed_and_the_names_stay(text: str) -> None:
    assert redact(text, KINDS) == NAMED[text]
    assert redact(NAMED[text], KINDS) == NAMED[text]


STAYS = (
    "The token: authentication works by tokens",
    "secret = the secret of good bread is time",
    "password: please choose one",
    "Basic authentication, bearer of bad news",
    "api_key=API_KEY, token = settings.token",
    "Mozilla.compat.something, hf_hub_download_of_a_file",
    "Keyboard: 104 keys, monkey=banana",
    "git log --format=%H 0123456789abcdef0123456789abcdef01234567",
    "my password is incorrect, your password is required. The password is: wrong!",
    "docker run -u 1000:1000 alpine; docker exec -u root:root x; curl -u $USER:$PASSWORD x",
    "<token>hello</token>, <password>${PASSWORD}</password>, identified by 'id'",
    '{"name": "max_tokens", "value": "4096"}, <param name="token" value="word"/>',
    "uuid 123e4567-e89b-12d3-a456-426614174000",
)


@pytest.mark.parametrize("text", STAYS)
def test_words_about_keys_are_kept(text: str) -> None:
    assert redact(text, ["key"]) == text
