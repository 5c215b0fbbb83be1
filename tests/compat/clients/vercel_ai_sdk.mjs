// The Vercel AI SDK, over both dialects.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, Output, generateText, isStepCount, jsonSchema, streamText, tool } from "ai";
import * as cells from "./cells.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const { HELLO, MODEL, PARAMETERS, WEATHER, WEATHER_OF_TWO, check } = cells;

// The SDK retries answers, not time-outs of its own: the request says how long it may take.
let attempts = 0;

async function hasty(url, init) {
  attempts += 1;
  const body = { ...JSON.parse(init.body), deadline_ms: cells.PATIENCE_MS };
  return fetch(url, { ...init, body: JSON.stringify(body) });
}

function byOpenAI(fetch) {
  return createOpenAI({ baseURL: cells.OPENAI_BASE, apiKey: cells.KEY, fetch }).chat(MODEL);
}

function byAnthropic(fetch) {
  return createAnthropic({ baseURL: cells.OPENAI_BASE, apiKey: cells.KEY, fetch })(MODEL);
}

function cellsOf(build) {
  const ask = (options = {}) =>
    generateText({ model: build(), prompt: HELLO, maxRetries: 0, ...options });

  async function weather(prompt) {
    const asked = [];
    const get_weather = tool({
      inputSchema: jsonSchema(PARAMETERS),
      execute: async ({ city }) => {
        asked.push(city);
        return "sunny";
      },
    });
    const answer = await ask({ prompt, tools: { get_weather }, stopWhen: isStepCount(3) });
    check(answer.text, "no answer after the tool");
    return asked.join();
  }

  async function plain() {
    check((await ask()).text);
  }

  return {
    plain,
    async stream() {
      let text = "";
      for await (const part of streamText({ model: build(), prompt: HELLO }).textStream) text += part;
      check(text);
    },
    async tools() {
      check((await weather(WEATHER)) === "Paris");
    },
    async "parallel tools"() {
      check((await weather(WEATHER_OF_TWO)) === "Paris,London");
    },
    async "JSON schema"() {
      const output = Output.object({ schema: jsonSchema(PARAMETERS) });
      check((await ask({ output })).output.city);
    },
    async image() {
      const picture = { type: "file", mediaType: "image/png", data: cells.PIXEL };
      const content = [{ type: "text", text: HELLO }, picture];
      check((await ask({ prompt: undefined, messages: [{ role: "user", content }] })).text);
    },
    async error() {
      const refused = await ask({ maxOutputTokens: 1, topP: 9 }).catch((error) => error);
      check(APICallError.isInstance(refused) && refused.statusCode === 400, String(refused));
    },
    async usage() {
      check((await ask()).usage.outputTokens > 0);
      const stream = streamText({ model: build(), prompt: HELLO });
      for await (const _ of stream.textStream);
      check((await stream.usage).outputTokens > 0);
    },
    async cancel() {
      const stop = new AbortController();
      const stream = streamText({ model: build(), prompt: HELLO, abortSignal: stop.signal });
      for await (const _ of stream.textStream) break;
      stop.abort();
      await plain();
    },
    async retry() {
      await cells.slowOnce();
      attempts = 0;
      check((await ask({ model: build(hasty), maxRetries: 2 })).text);
      check(attempts > 1, "answered without a retry");
    },
  };
}

await cells.report("Vercel AI SDK (OpenAI)", cellsOf(byOpenAI));
await cells.report("Vercel AI SDK (Anthropic)", cellsOf(byAnthropic));
