"""Decompression of a body in pieces, for streams with an unrequested compression."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

from streams.providers.http.exchange import cut_off, invalid_compression, zlib_window

PIECE_BYTES = 16_384
"""Largest piece of a body that is passed on at once."""


class StreamDecompressor:
    """Decodes the pieces of one body; a body without compression is passed on unchanged."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        """Read the headers.

        Raises:
            ProviderError: BAD_RESPONSE; the compression is not supported.
        """
        window = zlib_window(status, headers)
        self._status = status
        self._unpacking = None if window is None else zlib.decompressobj(window)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the decoded piece, in parts of limited size.

        Raises:
            ProviderError: BAD_RESPONSE; the data is invalid.
        """
        unpacking = self._unpacking
        if unpacking is None:
            yield piece
            return
        while piece:
            try:
                plain = unpacking.decompress(piece, PIECE_BYTES)
            except zlib.error:
                raise invalid_compression(self._status) from None
            # Data after the end is a second member, of which nothing may be lost.
            if unpacking.unused_data:
                raise invalid_compression(self._status)
            if plain:
                yield plain
            piece = unpacking.unconsumed_tail

    def finish(self) -> None:
        """Check that the body is whole.

        Raises:
            ProviderError: BAD_RESPONSE; the data ends early.
        """
        if self._unpacking is not None and not self._unpacking.eof:
            raise cut_off(self._status)
