"""In-memory provider for tests: answers from a script, and records its calls."""

from __future__ import annotations

from collections.abc import Callable

from streams.providers.port import ChatCall, Completion, Endpoint, ProviderError, Usage

Script = Callable[[ChatCall, Endpoint], Completion | ProviderError]


def text_answer(text: str, *, input_tokens: int = 10, output_tokens: int = 5) -> Completion:
    """Return a completion with this text."""
    return Completion(
        message={"role": "assistant", "content": text},
        finish_reason="stop",
        usage=Usage(input_tokens=input_tokens, output_tokens=output_tokens),
    )


class ScriptedProvider:
    """Answers from its script; errors that the script returns are raised."""

    def __init__(self, script: Script, name: str = "scripted") -> None:
        self.name = name
        self.calls: list[ChatCall] = []
        self._script = script

    async def complete(self, call: ChatCall, endpoint: Endpoint) -> Completion:
        """Answer from the script."""
        self.calls.append(call)
        answer = self._script(call, endpoint)
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    async def close(self) -> None:
        """Do nothing."""
