"""Classes of providers' error codes, types and HTTP statuses.

Names end in `exception` at Bedrock (`__type`), are in camel case at DashScope, and are four digits
at Zhipu (https://docs.bigmodel.cn, "error codes").
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.providers.port import ErrorClass
from streams.providers.refusals.context_overflow import OVERFLOW_NAMES

BY_NAME: Mapping[str, ErrorClass] = {
    **dict.fromkeys(OVERFLOW_NAMES, ErrorClass.CONTEXT_LENGTH),
    **dict.fromkeys(
        (
            "content_filter",
            "content_policy_violation",
            "content_filtered",
            "responsibleaipolicyviolation",
            "data_inspection_failed",
            "moderation_blocked",
            "cyber_policy_violation",
            "sensitive",
            "datainspectionfailed",
            "1301",
        ),
        ErrorClass.CONTENT_FILTER,
    ),
    **dict.fromkeys(
        (
            "insufficient_quota",
            "insufficient_user_quota",
            "billing_error",
            "billing_hard_limit_reached",
            "billing_not_active",
            "account_deactivated",
            "exceeded_current_quota_error",
            "invalid_api_key",
            "invalid_authentication_error",
            "authentication_error",
            "permission_error",
            "permission_denied_error",
            "model_not_found",
            "deploymentnotfound",
            "not_found_error",
            *("accessdeniedexception", "expiredtokenexception", "invalidsignatureexception"),
            *("missingauthenticationtokenexception", "unrecognizedclientexception"),
            *("incompletesignatureexception", "resourcenotfoundexception"),
            *("arrearage", "invalidapikey", "accessdenied", "accessdenied.unpurchased"),
            *("model.accessdenied", "modelnotfound"),
            *("1000", "1001", "1002", "1003", "1004", "1110", "1111", "1112", "1113"),
            *("1211", "1220", "1309"),
        ),
        ErrorClass.AUTH,
    ),
    **dict.fromkeys(
        (
            *("rate_limit_exceeded", "rate_limit_error", "rate_limited", "resource_exhausted"),
            *("throttlingexception", "servicequotaexceededexception", "limitexceededexception"),
            *("toomanyrequestsexception", "throttling", "throttling.ratequota"),
            *("throttling.allocationquota", "throttling.burstrate", "throttling.user"),
            *("1302", "1303", "1304", "1305", "1308"),
        ),
        ErrorClass.RATE_LIMITED,
    ),
    **dict.fromkeys(
        (
            "overloaded_error",
            "engine_overloaded_error",
            "engine_overloaded",
            "capacity_exceeded",
            "service_tier_capacity_exceeded",
            "insufficient_system_resource",
            "slow_down",
            *("modelnotreadyexception", "serviceunavailableexception", "modelunavailable"),
        ),
        ErrorClass.OVERLOADED,
    ),
    **dict.fromkeys(
        ("timeout_error", "modeltimeoutexception", "requesttimeout"), ErrorClass.TIMEOUT
    ),
    **dict.fromkeys(
        ("internalserverexception", "modelerrorexception", "modelstreamerrorexception"),
        ErrorClass.SERVER,
    ),
    # The request's own fault, for any model: unreadable bytes.
    **dict.fromkeys(
        (
            "invalid_base64_image",
            "invalid_image",
            "invalid_image_format",
            "invalid_image_url",
            "image_parse_error",
            "json_parse_error",
        ),
        ErrorClass.INVALID_REQUEST,
    ),
}
# `server_error` and `api_error` are not listed: the status is more specific, since OpenAI sends the
# first with 503 when it is overloaded.

# 404 is a model that does not exist or is not available to this key: another instance may have it.
BY_STATUS: Mapping[int, ErrorClass] = {
    401: ErrorClass.AUTH,
    402: ErrorClass.AUTH,
    403: ErrorClass.AUTH,
    404: ErrorClass.AUTH,
    407: ErrorClass.AUTH,
    408: ErrorClass.TIMEOUT,
    409: ErrorClass.SERVER,
    413: ErrorClass.CONTEXT_LENGTH,
    423: ErrorClass.SERVER,
    424: ErrorClass.SERVER,
    425: ErrorClass.SERVER,
    429: ErrorClass.RATE_LIMITED,
    451: ErrorClass.CONTENT_FILTER,
    # Groq: the flex tier has no capacity; Anthropic and others: overloaded.
    498: ErrorClass.OVERLOADED,
    499: ErrorClass.SERVER,
    503: ErrorClass.OVERLOADED,
    504: ErrorClass.TIMEOUT,
    522: ErrorClass.CONNECTION,
    524: ErrorClass.TIMEOUT,
    529: ErrorClass.OVERLOADED,
}
