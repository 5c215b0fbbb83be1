"""The tree of errors.

SluiceError
├── ConfigurationError        invalid settings, registry or topics; the operator must correct them
│   ├── RegistryError         the registry file or version does not validate
│   │   └── UnsignedRecordError  a record on the registry topic has no signature of a valid key
│   ├── ArtifactError         a learned artifact has a wrong hash, version, shape or number
│   ├── TopicError            a topic is missing or has another shape than declared
│   └── KafkaAccessError      Kafka rejected the credentials, or an ACL is missing
├── ContractError             bytes or fields that violate the contract of a topic
│   ├── UndecodableError      the bytes do not contain a record: dead letter
│   └── InvalidRequestError   a decoded request is rejected: error reply
├── DeliveryError             the broker rejected a record
│   └── RecordTooLargeError   the record is larger than its topic allows; it was not sent
├── ProviderError             a call to a model provider failed (with class, status, retry-after)
├── UnansweredError           a request ended without an answer (with its id, code, retryable)
│   ├── RejectedRequestError  it is invalid, forbidden, a duplicate or over a budget
│   ├── FailedRequestError    no model gave an answer
│   └── DeadlineError         there was no reply, or no answer, before its deadline
├── AnswerChangedError        another call answered after parts of the first were taken; retry
├── SinkError                 ClickHouse rejected an insert, or the sink lost its lease
│   └── FencedError           a successor took over the partition; stop writing
├── KafkaAwayError            Kafka did not answer in time; retry
├── SchemaRegistryAwayError   the schema registry did not answer; retry
└── LocalStackError           the local Kafka, ClickHouse or a Sluice process did not start

Each message says what is wrong and what to do; none quotes a prompt or a key.
"""

from __future__ import annotations


class SluiceError(Exception):
    """Base class of all errors that Sluice raises on purpose."""


class ConfigurationError(SluiceError):
    """Invalid settings, registry or topics; the message names the location and the correction."""


class RegistryError(ConfigurationError):
    """A registry file or version does not validate."""


class ArtifactError(ConfigurationError):
    """A learned artifact is unusable: its hash, version or shape differs from its header."""


class TopicError(ConfigurationError):
    """A topic is missing or differs from its declaration."""


class KafkaAccessError(ConfigurationError):
    """Kafka rejected user, password, token or certificate, or an ACL is missing."""


class ContractError(SluiceError):
    """Bytes or fields violate the contract of a topic."""


class RequestCancelledError(SluiceError):
    """The caller cancelled the request while a provider was called for it."""


class UndecodableError(ContractError):
    """The bytes do not contain a record; they go to the dead-letter topic unchanged."""


class InvalidRequestError(ContractError):
    """A decoded request is rejected.

    `code` is one of the reply codes of the contract (`invalid_request`, `too_large`, ...).
    """

    def __init__(self, message: str, *, code: str = "invalid_request") -> None:
        super().__init__(message)
        self.code = code


class DeliveryError(SluiceError):
    """The broker rejected a record."""


class RecordTooLargeError(DeliveryError):
    """A record is larger than its topic allows; it was rejected before sending."""


class UnansweredError(SluiceError):
    """A request ended without an answer.

    `code` is one of the reply codes of the contract. `retryable` says whether the same request,
    under a new id, can succeed later.
    """

    def __init__(
        self, message: str, *, request_id: str, code: str, retryable: bool = False
    ) -> None:
        super().__init__(message)
        self.request_id = request_id
        self.code = code
        self.retryable = retryable


class RejectedRequestError(UnansweredError):
    """A request was rejected: it is invalid, forbidden, a duplicate or over a budget."""


class FailedRequestError(UnansweredError):
    """No model gave an answer."""


class DeadlineError(UnansweredError):
    """There was no reply, or no answer, before the deadline."""


class AnswerChangedError(SluiceError):
    """The reply holds another answer than the parts that arrived before it; retry the request."""

    def __init__(self) -> None:
        super().__init__(
            "another call answered this request after parts of the first were sent; retry: the "
            "answer is whole then"
        )


class SinkError(SluiceError):
    """ClickHouse rejected rows, or the log and the tables are inconsistent."""


class FencedError(SinkError):
    """A successor has a higher epoch for this partition; this writer must stop."""


class KafkaAwayError(SluiceError):
    """Kafka did not answer in time; retrying is safe."""


class SchemaRegistryAwayError(SluiceError):
    """The schema registry did not answer, or rejected a schema; retrying is safe."""


class LocalStackError(SluiceError):
    """A part of the local pipeline did not start or stopped responding."""
