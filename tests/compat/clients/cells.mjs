// What each script of node tries, and how it reports: as cells.py does.
export const GATEWAY = process.env.SLUICE_COMPAT_GATEWAY;
export const OPENAI_BASE = `${GATEWAY}/v1`;
export const WEATHER = process.env.SLUICE_COMPAT_WEATHER;
export const WEATHER_OF_TWO = process.env.SLUICE_COMPAT_WEATHER_OF_TWO;
export const HELLO = "What is Kafka?";
export const MODEL = "auto";
export const KEY = "any";
export const PATIENCE_MS = 2000;
export const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
// A PNG of one pixel.
export const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

export function check(condition, message) {
  if (!condition) throw new Error(message ?? "unexpected answer");
}

export function isCity(text) {
  return typeof JSON.parse(text).city === "string";
}

async function faults(list) {
  await fetch(`${process.env.SLUICE_COMPAT_SIMULATOR}/admin/faults`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ faults: list }),
  });
}

export const slowOnce = () => faults([{ kind: "slow", delay_ms: 2 * PATIENCE_MS, times: 1 }]);

export async function report(client, cells) {
  for (const [cell, attempt] of Object.entries(cells)) {
    let state = "passed";
    let reason = "";
    try {
      await attempt();
    } catch (error) {
      state = "failed";
      reason = `${error.name}: ${String(error.message).slice(0, 200)}`;
    }
    await faults([]);
    console.log(JSON.stringify({ client, cell, state, reason }));
  }
}
