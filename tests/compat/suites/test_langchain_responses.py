"""LangChain's standard tests of a chat model, by `langchain-openai` over OpenAI's responses."""

from __future__ import annotations

import os
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests


class TestSluiceByOpenAIResponses(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": "auto",
            "base_url": f"{os.environ['SLUICE_COMPAT_GATEWAY']}/v1",
            "api_key": "any",
            "max_retries": 0,
            "use_responses_api": True,
        }

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str | None:
        return "gpt-4o-mini"
