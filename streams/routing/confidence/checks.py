"""Hard checks of an answer: faults that are evident without the right answer.

Each check is a pure function of the request body and the assistant message. It returns the fault or
`None`. A short answer is no fault: "Paris" passes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.encoding.json_bounds import read_text
from streams.routing.confidence.grounding import ungrounded
from streams.routing.confidence.language import language_of
from streams.routing.confidence.schema_misfit import misfit
from streams.routing.features.request_features import both_ends, question_of, text_of
from streams.routing.features.wording import Phrases, Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFault:
    """A fault of an answer: the check, and its finding."""

    check: str
    what: str


Body = Mapping[str, Any]
Check = Callable[[Body, Mapping[str, Any], str], str | None]

_CAN_NOT = (
    r"i (can(no|['’])t|can not|won['’]?t|will not|am (unable|not able) to)"
    r"|i['’]?m (unable|not able) to"
)
_HELP = (
    r"((really|currently|directly|personally|legally|in good conscience) )?"
    r"(help(?! but)|assist|provide|comply|fulfill?|do (that|this)|answer|discuss|share|give|offer"
    r"|write|generate|create|produce|support|engage|process|access|complete|respond|continue)"
)
_REFUSAL = re.compile(
    r"^\W*((i['’]?m sorry|i am sorry|sorry|i apologi[sz]e|unfortunately|i['’]?m afraid|as an ai"
    rf"|as a (large )?language model)\b.{{0,160}}?\b(({_CAN_NOT}) {_HELP}"
    r"|i do(n['’]?t| not) (have|feel|provide|support)|not something (that )?i can)\b"
    rf"|(i['’]?m |i am )?sorry,? but ({_CAN_NOT})\b|({_CAN_NOT}) {_HELP}\b"
    r"|i (must|have to) decline)",
    re.IGNORECASE | re.DOTALL,
)
_REPEATED_LINES = 6
_REPEATED_SHARE = 0.5
_MIN_REPEATABLE_WORDS = 40
_EXAMINED_CHARACTERS = 20_000


def _empty(_: Body, message: Mapping[str, Any], finish_reason: str) -> str | None:
    if message.get("tool_calls") or text_of(message.get("content")).strip():
        return None
    return "nothing was answered"


def _cut_off(_: Body, message: Mapping[str, Any], finish_reason: str) -> str | None:
    return "the answer was cut at its length limit" if finish_reason == "length" else None


def _refused(_: Body, message: Mapping[str, Any], finish_reason: str) -> str | None:
    if message.get("refusal"):
        return "the model refused"
    if finish_reason == "content_filter":
        return "the provider filtered the answer"
    text = text_of(message.get("content"))[:400]
    return "the answer reads as a refusal" if _REFUSAL.search(text) else None


def _repeats(_: Body, message: Mapping[str, Any], finish_reason: str) -> str | None:
    text = text_of(message.get("content"))[:_EXAMINED_CHARACTERS]
    lines = Counter(line.strip() for line in text.splitlines() if len(line.strip()) > 20)
    if lines and max(lines.values()) >= _REPEATED_LINES:
        return "the same line stands again and again"
    words = text.split()
    if len(words) < _MIN_REPEATABLE_WORDS:
        return None
    grams = Counter(zip(words, words[1:], words[2:], strict=False))
    repeated = sum(count for count in grams.values() if count > 3)
    return "it repeats itself" if repeated > _REPEATED_SHARE * len(words) else None


_ABOUT_LANGUAGE = Phrases.of(
    *("translate", "translation", "translated", "language", "english", "german", "french"),
    *("spanish", "italian", "portuguese", "dutch", "polish", "japanese", "chinese", "korean"),
    *("russian", "arabic", "swedish", "hindi", "übersetze", "übersetzen", "englisch", "deutsch"),
    *("traduire", "traduis", "traduisez", "anglais", "français", "traduce", "traducir", "inglés"),
    *("español", "traduci", "inglese", "italiano", "traduza", "inglês", "português", "vertaal"),
    *("engels", "przetłumacz", "angielski", "översätt", "engelska", "переведи", "переведите"),
    *("английском", "английский", "अनुवाद", "अंग्रेज़ी", "अंग्रेजी", "ترجم", "الإنجليزية", "بالإنجليزية"),
)
"""A prompt with one of these words may expect an answer in another language."""

_ABOUT_LANGUAGE_UNSPACED = (
    *("英語", "翻訳", "日本語", "中国語", "韓国語", "ドイツ語", "フランス語", "スペイン語"),
    *(
        "英语",
        "英文",
        "翻译",
        "中文",
        "日语",
        "韩语",
        "法语",
        "德语",
        "번역",
        "영어",
        "일본어",
        "แปล",
        "ภาษาอังกฤษ",
    ),
)
"""The same in scripts without spaces between words."""


def _wrong_language(body: Body, message: Mapping[str, Any], finish_reason: str) -> str | None:
    text = text_of(message.get("content"))
    kind = (body.get("response_format") or {}).get("type", "text")
    if kind != "text" or "```" in text:
        return None
    question = question_of(body.get("messages") or ())
    wanted, given = language_of(question), language_of(text)
    if wanted is None or given is None or wanted == given:
        return None
    instructions = " ".join(
        both_ends(text_of(turn.get("content")))
        for turn in body.get("messages") or ()
        if turn["role"] in {"system", "developer"}
    )
    if _mentions_language(f"{both_ends(question)} {both_ends(instructions)}"):
        return None
    return f"asked in {wanted}, answered in {given}"


def _mentions_language(text: str) -> bool:
    if Wording.of(text).contains(_ABOUT_LANGUAGE):
        return True
    return not text.isascii() and any(word in text for word in _ABOUT_LANGUAGE_UNSPACED)


def _breaks_json(body: Body, message: Mapping[str, Any], finish_reason: str) -> str | None:
    wanted = body.get("response_format") or {}
    if wanted.get("type") not in {"json_object", "json_schema"} or message.get("tool_calls"):
        return None
    text = text_of(message.get("content"))
    try:
        value = read_text(text)
    except orjson.JSONDecodeError:
        return "JSON was asked for, and it is not JSON"
    if wanted["type"] == "json_object":
        return None if isinstance(value, dict) else "a JSON object was asked for"
    return misfit(value, len(text), wanted["json_schema"].get("schema"))


def _breaks_tools(body: Body, message: Mapping[str, Any], finish_reason: str) -> str | None:
    calls = message.get("tool_calls") or ()
    choice = body.get("tool_choice") or "auto"
    forced = choice["function"]["name"] if isinstance(choice, dict) else None
    known = {
        tool["function"]["name"]: tool["function"].get("parameters")
        for tool in body.get("tools") or ()
    }
    if not calls:
        must = forced or choice == "required"
        return "a tool had to be called, and none was" if known and must else None
    if choice == "none":
        return "it calls a tool where none was wanted"
    wrong = (_breaks_tool(call["function"], known, forced) for call in calls)
    return next((what for what in wrong if what is not None), None)


def _breaks_tool(
    call: Mapping[str, Any], known: Mapping[str, Any], forced: str | None
) -> str | None:
    name = call["name"]
    if name not in known:
        return "it calls a tool that was not offered"
    if forced not in {None, name}:
        return "it calls another tool than the one that had to be called"
    try:
        arguments = read_text(call["arguments"] or "{}")
    except orjson.JSONDecodeError:
        return f"the arguments of {name} are not JSON"
    wrong = misfit(arguments, len(call["arguments"]), known[name])
    return f"arguments of {name}: {wrong}" if wrong else None


CHECKS: Mapping[str, Check] = {
    "empty": _empty,
    "truncated": _cut_off,
    "refusal": _refused,
    "repetition": _repeats,
    "language": _wrong_language,
    "grounding": ungrounded,
    "json_schema": _breaks_json,
    "tool_arguments": _breaks_tools,
}
"""Hard checks by their name in the quality events."""


def faults(body: Body, message: Mapping[str, Any], finish_reason: str) -> tuple[AnswerFault, ...]:
    """Return all faults of an answer, in the order of `CHECKS`."""
    found = ((name, check(body, message, finish_reason)) for name, check in CHECKS.items())
    return tuple(AnswerFault(check=name, what=what) for name, what in found if what is not None)
