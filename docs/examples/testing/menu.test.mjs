// node --test menu.test.mjs, while `arirecord replay menu.parquet --speed max --pace client` and the app run.
import assert from "node:assert";
import { test } from "node:test";

const control = (process.env.ARI_BASE_URL ?? "http://127.0.0.1:8088") + "/control/";

async function ask(verb, given) {
  const response = await fetch(control + verb, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(given),
  });
  const value = await response.json();
  assert.equal(response.status, 200, value.message);
  return value;
}

test("a caller hears the menu", async () => {
  const [answered, played] = await ask("expect", {
    request: ["POST /channels/*/answer", "POST /channels/*/play/*?media=sound:vm-enter-num-to-call"],
    timeout: 30,
  });
  assert.equal(answered.status, 204);
  assert.equal(played.status, 201);
});

test("the app sends the recorded requests", async () => {
  await ask("verify", { timeout: 60 });
});
