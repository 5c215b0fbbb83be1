// Anthropic's SDK for JavaScript.
import Anthropic from "@anthropic-ai/sdk";
import * as cells from "./cells.mjs";

const { HELLO, MODEL, PARAMETERS, WEATHER, WEATHER_OF_TWO, check, isCity } = cells;
const client = new Anthropic({ baseURL: cells.GATEWAY, apiKey: cells.KEY, maxRetries: 0 });
const tools = [{ name: "get_weather", input_schema: PARAMETERS }];

function body(content = HELLO, options = {}) {
  return { model: MODEL, max_tokens: 1024, messages: [{ role: "user", content }], ...options };
}

const ask = (content, options, settings) => client.messages.create(body(content, options), settings);
const calls = (message) => message.content.filter((block) => block.type === "tool_use");

async function plain() {
  check((await ask()).content[0].text);
}

await cells.report("Anthropic SDK, JavaScript", {
  plain,
  async stream() {
    const message = await client.messages.stream(body()).finalMessage();
    check(message.content[0].text && message.usage.output_tokens > 0);
  },
  async tools() {
    const first = await ask(WEATHER, { tools });
    check(first.stop_reason === "tool_use" && calls(first)[0].input.city === "Paris");
    const result = { type: "tool_result", tool_use_id: calls(first)[0].id, content: "sunny" };
    const messages = [
      { role: "user", content: WEATHER },
      { role: "assistant", content: first.content },
      { role: "user", content: [result] },
    ];
    const last = await client.messages.create({ ...body(), tools, messages });
    check(last.content[0].text);
  },
  async "parallel tools"() {
    check(calls(await ask(WEATHER_OF_TWO, { tools })).length === 2);
    const streamed = await client.messages.stream(body(WEATHER_OF_TWO, { tools })).finalMessage();
    check(calls(streamed).map((call) => call.input.city).join() === "Paris,London");
  },
  async "JSON schema"() {
    const output_config = { format: { type: "json_schema", schema: PARAMETERS } };
    check(isCity((await ask(HELLO, { output_config })).content[0].text));
  },
  async image() {
    const source = { type: "base64", media_type: "image/png", data: cells.PIXEL };
    check((await ask([{ type: "image", source }, { type: "text", text: HELLO }])).content[0].text);
  },
  async error() {
    const refused = await ask(HELLO, { temperature: 9 }).catch((error) => error);
    check(refused instanceof Anthropic.BadRequestError, String(refused));
  },
  async usage() {
    const { usage } = await ask();
    check(usage.input_tokens > 0 && usage.output_tokens > 0);
  },
  async cancel() {
    const stream = client.messages.stream(body());
    for await (const _ of stream) break;
    stream.abort();
    await plain();
  },
  async retry() {
    await cells.slowOnce();
    const answer = await ask(HELLO, {}, { maxRetries: 2, timeout: cells.PATIENCE_MS });
    check(answer.content[0].text);
  },
});
