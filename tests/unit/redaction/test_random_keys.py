"""Names, code and numbers are kept; keys are removed in any context: a table, and random keys."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.redaction.redactor import KINDS, redact

STAYS = (
    # Names in programs and packages.
    "pk_users_id_created_at_index_unique",
    "sk_model_selection_cross_validate",
    "sk-learn-pipeline-with-column-transformer",
    "sk_preprocessing_StandardScaler_v2",
    "rk_integrator_4th_order_adaptive_step",
    "pk_order_items_order_id_product_id",
    "pk-composite-key-of-tenant-and-request",
    "sk_modelSelectionCrossValidate",
    "hf_transformers_tokenizer_fast_2_layers",
    "hf_hub_download_with_retries_and_2_workers",
    "npm-check-updates-version-16-release-notes",
    "npm_config_registry_timeout_in_ms_30000",
    "pypi-publish-workflow-for-release-2",
    "fw_update_rollback_partition_2_active",
    "glpat-rotation-policy-for-our-team",
    "ghp_token_rotation_script_for_bots",
    "pat-management-guide-2024-edition",
    "ops_dashboard_widget_layout_version_3",
    "figd_export_settings_for_frame_12",
    # Prose.
    "Basic authentication is simple",
    "Basic authorization is simple",
    "basic requirements 2024 of the project",
    "the bearer of-this-letter-is-my-friend",
    "bearer authentication-for-2-services",
    "Bearer $OPENAI_API_KEY",
    "Authorization: Bearer ${ACCESS_TOKEN}",
    "authorization: requirements are strict",
    "cookie: chocolate chip recipe",
    "Cookie: the best one, with oat",
    "the token: authentication-by-two-factors",
    "secret: ingredients-of-2-grandmothers",
    # Parameters.
    "?code=invalid_grant",
    "https://a.example/cb?code=access_denied&state=x",
    "https://a.example/?key=sort_by_name",
    "https://a.example/?token=refresh_token",
    "https://s3.example/o?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600",
    # Code that refers to a secret.
    "password = input(...)",
    "password = getpass.getpass()",
    "password: str = Field(default=None)",
    "password = settings.DATABASE_PASSWORD",
    "password=None",
    'password = "${DB_PASSWORD}"',
    "password: {{ vault_password }}",
    "DB_PASSWORD=$DB_PASSWORD",
    "api_key=settings.OPENAI_API_KEY_V2_PRODUCTION",
    'api_key = os.environ["X"]',
    "api_key = os.getenv('OPENAI_API_KEY_2')",
    "api_key=OPENAI_API_KEY_V2_PRODUCTION",
    "apiKey: process.env.OPENAI_API_KEY_2",
    "client_secret = config.oauth2.client_secret",
    "token = self.tokenizer_v2.next_token()",
    # Numbers.
    "123e4567-e89b-12d3-a456-426614174000",
    "12345678-1234-1234-1234-123456789012",
    "41111111-1111-4111-8111-111111111111",
    "ISBN 0-306-40615-2, 0-8044-2957-X",
    "ISBN-13: 978-0-306-40615-7",
    "ISBN 0 306 40615 2",
    "2024-11-05 12:30 and 2024-11-05T12:30:45Z",
    "05.11.2024 12:30:45, 12:30 2024-11-05",
    "[2024-11-05 12:30:45,123] started",
    "years 2019 2020 2021",
    "doi:10.1016/0021-9991(92)90240-Y",
    "10.1038/s41586-020-2649-2 and 10.1145/3292500.3330701",
    "version 23.10.1234, 115.0.5790.170, v2024.11.05.1",
    "ORD-2024-1234567-AB, 112-3456789-1234567",
    "INV-2024-000123-77 and SKU-12345-678-AB",
    "1732111111123, 1732111111115, 1732111111122",
    "1732111111123456, 1732111111123456789",
    "9780306406157 and IMEI 490154203237518",
    # Addresses that are none.
    "@types/node@18.11.9, react@19.0.0, logo@2x.png",
    "a::b, ab::cd, std::vector, dead::beef, abc::def::f1",
    "12:30:45, 1:2:3, x[10::20], x[2000::5]",
    "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36",
    "version 1.2.3.4 and v10.20.30.40",
)
HEX = "9f86d081884c7d659a2feaa0c55ad015"
GOES = {
    "postgres://app:pa55@db/x": "postgres://<key>@db/x",
    "redis://:s3cret@cache:6379": "redis://<key>@cache:6379",
    "amqp://guest:guest@mq": "amqp://<key>@mq",
    "Server=db;User=sa;Password=Abc123!x;": "Server=db;User=sa;Password=<key>;",
    "Authorization: Basic dXNlcjpwYXNz": "Authorization: <key>",
    "proxy uses Basic dXNlcjpwYXNz": "proxy uses <key>",
    "curl -H 'Authorization: Bearer my-secret-token-value'": "curl -H 'Authorization: <key>'",
    "Cookie: sid=abc; theme=dark": "Cookie: <key>",
    "?code=4/0AX4XfWh-Qx9": "?code=<key>",
    "?password=letmein": "?password=<key>",
    'password: str = "hunter22"': 'password: str = "<key>"',
    "password=letmein": "password=<key>",
    "DB_PASSWORD=correct.horse.battery": "DB_PASSWORD=<key>",
    'api_key="my-secret-value-1234"': 'api_key="<key>"',
    f"api_key = '{HEX}'": "api_key = '<key>'",
    "13 digits: 4222222222222": "13 digits: <card>",
    # Looks like code or a template, but is neither.
    "DB_PASSWORD=$ecret_pw": "DB_PASSWORD=<key>",
    '{"password":"$ecretpw"}': '{"password":"<key>"}',
    "DB_PASSWORD=SUPER_SECRET_KEY": "DB_PASSWORD=<key>",
    "password=admin.password1": "password=<key>",
    "pwd=os.Secret123": "pwd=<key>",
    "password = hunter2token(": "password = <key>(",
    'password: "{{hunter2}}"': 'password: "<key>"',
    '{"password": "${Tr0ub4dor}"}': '{"password": "<key>"}',
    "Authorization: Bearer $ecrettokenvalue": "Authorization: <key>",
    "https://h/?access_token=alphabravocharlie": "https://h/?access_token=<key>",
    # JSON in JSON, commands, URLs, variables.
    r"{\"password\": \"S3cr3tPw99\"}": r"{\"password\": \"<key>\"}",
    rf"{{\\\"api_key\\\": \\\"{HEX}\\\"}}": r"{\\\"api_key\\\": \\\"<key>\\\"}",
    "mysql --password S3cr3tPw99": "mysql --password <key>",
    f"--client-secret '{HEX}'": "--client-secret '<key>'",
    "DB_PASS=S3cr3tPw99": "DB_PASS=<key>",
    f"https://{HEX}@github.com/x.git": "https://<key>@github.com/x.git",
    f"//registry.npmjs.org/:_authToken={HEX}": "//registry.npmjs.org/:_authToken=<key>",
    "3782 822463 10005, 6011 1111 1111 1117": "<card>, <card>",
    "3530111333300000 5555555555554444": "<card> <card>",
    "tel-030-1234567 and phone: 555-123-4567": "tel-<phone> and phone: <phone>",
    "212.555.0187, 01.23.45.67.89": "<phone>, <phone>",
    "fd00::1 and ff02::1:2, 2001:db8::5": "<ip> and <ip>, <ip>",
    "a@b.example, ada@3m.com and x@[10.0.0.1]": "<email>, <email> and <email>",
    "localhost/127.0.0.1 and 10.0.0.0/8": "localhost/<ip> and <ip>/8",
}


@pytest.mark.parametrize("text", STAYS)
def test_names_prose_code_and_numbers_are_kept(text: str) -> None:
    assert redact(text, KINDS) == text


@pytest.mark.parametrize("text", GOES)
def test_secrets_that_resemble_them_are_removed(text: str) -> None:
    assert redact(text, KINDS) == GOES[text]


ALNUM = string.ascii_letters + string.digits
URL = ALNUM + "-_"
LOWER_HEX = "0123456789abcdef"
FORMATS: dict[str, tuple[str, str, int, str]] = {
    "OpenAI": ("sk-", ALNUM, 48, ""),
    "OpenAI project": ("sk-proj-", URL, 120, ""),
    "OpenAI service account": ("sk-svcacct-", URL, 120, ""),
    "Anthropic": ("sk-ant-api03-", URL, 93, "AA"),
    "Anthropic login": ("sk-ant-oat01-", URL, 93, "AA"),
    "OpenRouter": ("sk-or-v1-", LOWER_HEX, 64, ""),
    "DeepSeek": ("sk-", LOWER_HEX, 32, ""),
    "Groq": ("gsk_", ALNUM, 52, ""),
    "xAI": ("xai-", ALNUM, 80, ""),
    "Perplexity": ("pplx-", ALNUM, 48, ""),
    "Replicate": ("r8_", ALNUM, 37, ""),
    "Hugging Face": ("hf_", ALNUM, 34, ""),
    "AWS": ("AKIA", string.ascii_uppercase + "234567", 16, ""),
    "GitHub": ("ghp_", ALNUM, 36, ""),
    "GitHub, fine-grained": ("github_pat_", ALNUM + "_", 82, ""),
    "GitLab": ("glpat-", URL, 20, ""),
    "Slack": ("xoxb-123456789012-1234567890123-", ALNUM, 24, ""),
    "Stripe": ("sk_live_", ALNUM, 24, ""),
    "Stripe, public": ("pk_live_", ALNUM, 99, ""),
    "npm": ("npm_", ALNUM, 36, ""),
    "PyPI": ("pypi-AgEIcHlwaS5vcmc", URL, 140, ""),
    "Google": ("AIza", URL, 35, ""),
    "DigitalOcean": ("dop_v1_", LOWER_HEX, 64, ""),
    "JWT": ("eyJhbGciOiJIUzI1NiJ9.eyJ", URL, 60, ""),
    "SendGrid": ("SG.abcdefghijklmnopqrstuv.", URL, 43, ""),
    "Shopify": ("shpat_", LOWER_HEX, 32, ""),
}
AROUND = (
    *("my key is {} and it works", "{}", "use {}.", "({})", "key={}", "echo '{}' | sh"),
    *('client = Client("{}")', '{{"a": "{}", "b": 1}}', "https://a.example/v1?x=1&token={}&y=2"),
    *("https://a.example/{}", "`{}`", "a,{},b", "line\n{}\nline"),
)


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_random_keys_of_each_vendor_are_removed_in_prose_code_json_and_urls(
    name: str, data: st.DataObject
) -> None:
    head, alphabet, length, tail = FORMATS[name]
    # Seeded draws are spread evenly: hypothesis' own texts prefer few letters.
    rng = data.draw(st.randoms(use_true_random=False))
    # A `-` at the end can't be separated from the text after the key.
    last = rng.choice(alphabet.rstrip("-_"))
    key = head + "".join(rng.choice(alphabet) for _ in range(length - 1)) + last + tail
    around = data.draw(st.sampled_from(AROUND))

    found = redact(around.format(key), KINDS)

    assert key[len(head) + 4 : -4] not in found
    assert "<key>" in found


@given(
    user=st.text(alphabet=ALNUM, min_size=1, max_size=20),
    password=st.text(alphabet=URL + "!%?", min_size=4, max_size=30),
)
def test_basic_credentials_are_removed(user: str, password: str) -> None:
    value = base64.b64encode(f"{user}:{password}".encode()).decode()

    assert redact(f"send Basic {value} again", KINDS) == "send <key> again"
    assert value not in redact(f'{{"Authorization": "Basic {value}"}}', KINDS)


@given(password=st.text(alphabet=ALNUM + "!%?-+*", min_size=6, max_size=40))
def test_quoted_passwords_are_removed(password: str) -> None:
    for text in ('password = "{}"', "{{'pwd': '{}'}}", 'DB_PASSWORD: "{}"', "mysql://u:{}@h/d"):
        if "?" in password and "://" in text:
            continue
        assert password not in redact(text.format(password), KINDS).removeprefix(text[:12])
