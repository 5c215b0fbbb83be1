"""The one tree of errors.

SluiceError
├── ConfigurationError        settings, registry or topics are wrong; the operator mends them
│   ├── RegistryError         the registry file or version does not validate
│   │   └── UnsignedRecordError  a record on the registry topic is not signed by a key that counts
│   ├── ArtifactError         a learned artifact has a wrong hash, version, shape or number
│   └── TopicError            a topic is missing or has another shape than declared
├── ContractError             bytes or fields that break the contract of a topic
│   ├── UndecodableError      no record can be read from the bytes: dead letter
│   └── InvalidRequestError   a record was read, but it asks for something refused: error reply
├── DeliveryError             the broker did not take a record
│   └── RecordTooLargeError   the record is larger than its topic allows; it was not sent
├── ProviderError             a model provider's call failed (class, status, retry-after inside)
├── SinkError                 ClickHouse refused, or the sink lost its right to write
│   └── FencedError           a successor took this partition over; stop writing
├── SchemaRegistryAwayError   the schema registry did not answer; ask again
└── LocalStackError           the local Kafka, ClickHouse or a process of ours did not come up

Each message says what happened and what to do; none quotes a prompt or a key.
"""

from __future__ import annotations


class SluiceError(Exception):
    """Root of every error that Sluice raises on purpose."""


class ConfigurationError(SluiceError):
    """Settings, registry or topics are wrong; the message names the place and the mend."""


class RegistryError(ConfigurationError):
    """A registry file or version does not validate."""


class ArtifactError(ConfigurationError):
    """A learned artifact can't be used: another hash, version or shape than it says."""


class TopicError(ConfigurationError):
    """A topic is missing or differs from its declaration."""


class ContractError(SluiceError):
    """Bytes or fields that break the contract of a topic."""


class UndecodableError(ContractError):
    """No record can be read from these bytes; they belong in the dead-letter topic untouched."""


class InvalidRequestError(ContractError):
    """A request that was read but is refused.

    `code` is one of the reply codes of the contract (`invalid_request`, `too_large`, ...).
    """

    def __init__(self, message: str, *, code: str = "invalid_request") -> None:
        super().__init__(message)
        self.code = code


class DeliveryError(SluiceError):
    """The broker did not take a record."""


class RecordTooLargeError(DeliveryError):
    """A record is larger than its topic allows; it was refused before it was sent."""


class SinkError(SluiceError):
    """ClickHouse refused rows, or the log and the tables disagree."""


class FencedError(SinkError):
    """A successor holds a higher epoch for this partition; this writer must stop."""


class SchemaRegistryAwayError(SluiceError):
    """The schema registry did not answer, or refused a schema; waiting loses nothing."""


class LocalStackError(SluiceError):
    """A part of the local pipeline did not start or stopped answering."""
