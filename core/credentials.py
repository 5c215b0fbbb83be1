"""Secrets and certificates from settings: in a variable, or preferably in a file.

No `repr` shows a secret. Peers are always verified.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from pydantic import SecretStr

from schemas.errors import ConfigurationError


class Hidden(str):
    """A string that works normally but is hidden in `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def secret(given: SecretStr | None, file: Path | None, variable: str) -> Hidden | None:
    """Return a secret from a file or from its variable, stripped of white space.

    Raises:
        ConfigurationError: both are set, or the file is unreadable or empty.
    """
    if file is not None and given is not None and given.get_secret_value().strip():
        # Precedence between the two would cause errors during key rotation.
        raise ConfigurationError(f"{variable} and {variable}_FILE are both set; unset one of them")
    if file is None:
        return None if given is None else Hidden(given.get_secret_value())
    try:
        text = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{variable}_FILE: cannot read {file} ({_why(error)})") from None
    if not text:
        raise ConfigurationError(f"{variable}_FILE: {file} is empty")
    return Hidden(text)


def tls_context(
    ca_file: Path | None, cert_file: Path | None, key_file: Path | None, *, of: str
) -> ssl.SSLContext:
    """Return a client's TLS context: peers are verified, TLS 1.2 at least. `of` is the prefix of
    the settings' names.

    Raises:
        ConfigurationError: a file is unreadable or has the wrong content.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"{of}_CA_FILE: {ca_file} contains no readable certificates ({_why(error)})"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file is not None:
        try:
            # Without a password argument, OpenSSL prompts on the terminal.
            context.load_cert_chain(cert_file, key_file, password="")
        except (OSError, ssl.SSLError, ValueError) as error:
            raise ConfigurationError(
                f"{of}_CERT_FILE and {of}_KEY_FILE: no usable pair of certificate and key "
                f"({_why(error)})"
            ) from None
    return context


def _why(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or getattr(error, "reason", None)
    return str(reason or type(error).__name__)
