// OpenAI's SDK for JavaScript.
import OpenAI from "openai";
import * as cells from "./cells.mjs";

const { HELLO, MODEL, PARAMETERS, WEATHER, WEATHER_OF_TWO, check, isCity } = cells;
const client = new OpenAI({ baseURL: cells.OPENAI_BASE, apiKey: cells.KEY, maxRetries: 0 });
const tools = [{ type: "function", function: { name: "get_weather", parameters: PARAMETERS } }];

function ask(content = HELLO, options = {}, settings = {}) {
  const body = { model: MODEL, messages: [{ role: "user", content }], ...options };
  return client.chat.completions.create(body, settings);
}

async function plain() {
  check((await ask()).choices[0].message.content);
}

await cells.report("OpenAI SDK, JavaScript", {
  plain,
  async stream() {
    let text = "";
    let last;
    for await (const chunk of await ask(HELLO, {
      stream: true,
      stream_options: { include_usage: true },
    })) {
      text += chunk.choices[0]?.delta.content ?? "";
      last = chunk;
    }
    check(text);
    check(last.usage.total_tokens > 0);
  },
  async tools() {
    const first = (await ask(WEATHER, { tools })).choices[0].message;
    check(first.tool_calls.length === 1 && isCity(first.tool_calls[0].function.arguments));
    const result = { role: "tool", tool_call_id: first.tool_calls[0].id, content: "sunny" };
    const messages = [{ role: "user", content: WEATHER }, first, result];
    const last = await client.chat.completions.create({ model: MODEL, messages, tools });
    check(last.choices[0].message.content);
  },
  async "parallel tools"() {
    check((await ask(WEATHER_OF_TWO, { tools })).choices[0].message.tool_calls.length === 2);
    const messages = [{ role: "user", content: WEATHER_OF_TWO }];
    const stream = client.chat.completions.stream({ model: MODEL, messages, tools });
    const calls = (await stream.finalChatCompletion()).choices[0].message.tool_calls;
    check(calls.length === 2 && calls.every((call) => isCity(call.function.arguments)));
  },
  async "JSON schema"() {
    const json_schema = { name: "city", schema: PARAMETERS, strict: true };
    const answer = await ask(HELLO, { response_format: { type: "json_schema", json_schema } });
    check(isCity(answer.choices[0].message.content));
  },
  async image() {
    const url = `data:image/png;base64,${cells.PIXEL}`;
    const parts = [{ type: "text", text: HELLO }, { type: "image_url", image_url: { url } }];
    check((await ask(parts)).choices[0].message.content);
  },
  async error() {
    const refused = await ask(HELLO, { temperature: 9 }).catch((error) => error);
    check(refused instanceof OpenAI.BadRequestError && refused.param === "temperature");
  },
  async usage() {
    check((await ask()).usage.total_tokens > 0);
  },
  async cancel() {
    const stream = await ask(HELLO, { stream: true });
    for await (const _ of stream) break;
    stream.controller.abort();
    await plain();
  },
  async retry() {
    await cells.slowOnce();
    const answer = await ask(HELLO, {}, { maxRetries: 2, timeout: cells.PATIENCE_MS });
    check(answer.choices[0].message.content);
  },
});
