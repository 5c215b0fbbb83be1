"""The alerts that processes raise themselves, without a rule in the registry.

Rules of the registry have their own names (`alerts.rules.<name>`). Every alert that code raises is
a member of `AlertName`; its name is written nowhere else.
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Resolution(Enum):
    """When an alert is resolved."""

    QUIET = "15 minutes after it was last raised"
    """For a cause that raises the alert again while it persists."""
    BUDGET_WINDOW = "at the end of the budget window in its subject"
    """For a level of a budget: spending does not decrease within a window."""
    EVALUATED = "when a worker evaluates alert rules again"
    """For missing evaluations: the next evaluation resolves it."""


class AlertName(StrEnum):
    """Name of an alert: the field `rule` of its record."""

    def __new__(cls, name: str, resolution: Resolution, meaning: str) -> AlertName:
        """Create a member whose value is its name, with its resolution and meaning."""
        member = str.__new__(cls, name)
        member._value_ = name
        member._resolution = resolution
        member._meaning = meaning
        return member

    _resolution: Resolution
    _meaning: str

    PROVIDER_DOWN = (
        "provider_down",
        Resolution.QUIET,
        "the circuit of an instance is open after consecutive failed calls",
    )
    PROVIDER_AUTH = (
        "provider_auth",
        Resolution.QUIET,
        "a provider rejected the API key, or the key is missing",
    )
    ADAPTER_FAULT = (
        "adapter_fault",
        Resolution.QUIET,
        "a provider adapter raised an unexpected error before or after the HTTP call",
    )
    UNSUPPORTED_PARAMETER = (
        "unsupported_parameter",
        Resolution.QUIET,
        "a model rejected a request parameter; the worker omits it in calls of that model",
    )
    UNKNOWN_PRICE = (
        "unknown_price",
        Resolution.QUIET,
        "a model has no known price; the cost of its calls is NULL",
    )
    UNKNOWN_USAGE = (
        "unknown_usage",
        Resolution.QUIET,
        "an answer reports billed usage without a known price, or no usage at all; the cost of the "
        "call is NULL",
    )
    JUDGE_NONSENSE = (
        "judge_nonsense",
        Resolution.QUIET,
        "the judge model answered without a score",
    )
    CLASSIFIER_SILENT = (
        "classifier_silent",
        Resolution.QUIET,
        "the model of the llm classifier fails; rules decide meanwhile",
    )
    INPUT_SHIFT = (
        "input_shift",
        Resolution.QUIET,
        "the distribution of classifier scores differs from its reference",
    )
    CALIBRATION_LOST = (
        "calibration_lost",
        Resolution.QUIET,
        "mean confidence and mean quality of a model's answers differ",
    )
    INVALID_REGISTRY = (
        "invalid_registry",
        Resolution.QUIET,
        "a registry version is invalid; workers keep the latest valid one",
    )
    UNSIGNED_REGISTRY = (
        "unsigned_registry",
        Resolution.QUIET,
        "a record on the registry topic is not signed by a key of SLUICE_REGISTRY_KEY; workers "
        "reject it and keep the latest signed version",
    )
    BUDGET = (
        "budget",
        Resolution.BUDGET_WINDOW,
        "spend reached a level of a budget",
    )
    BUDGET_NOT_COUNTED = (
        "budget_not_counted",
        Resolution.QUIET,
        "a new budget cannot be counted from the cost topic",
    )
    HANDLING_FAILED = (
        "handling_failed",
        Resolution.QUIET,
        "a message failed repeatedly with an unexpected error and was ended as internal_error",
    )
    LOG_GAP = (
        "log_gap",
        Resolution.QUIET,
        "retention removed records of a request topic before they were read",
    )
    WORKER_NAME_TAKEN = (
        "worker_name_taken",
        Resolution.QUIET,
        "two processes run under one worker name; the one that started earlier ended",
    )
    BAD_RECORD = (
        "bad_record",
        Resolution.QUIET,
        "a record on one of Sluice's own topics is unreadable; readers skip it",
    )
    UNREADABLE_INPUT = (
        "unreadable_input",
        Resolution.QUIET,
        "most recent messages of a topic are unreadable or fail; they become dead letters",
    )
    ALERTS_NOT_EVALUATED = (
        "alerts_not_evaluated",
        Resolution.EVALUATED,
        "no worker evaluates alert rules; the sink raises this alert",
    )

    @property
    def resolution(self) -> Resolution:
        """Return when the alert is resolved."""
        return self._resolution

    @property
    def meaning(self) -> str:
        """Return the meaning of the alert in one clause."""
        return self._meaning


_BY_NAME = {name.value: name for name in AlertName}


def resolution_of(rule: str) -> Resolution | None:
    """Return how an alert of this name resolves; `None` if no process raises it itself."""
    name = _BY_NAME.get(rule)
    return None if name is None else name.resolution
