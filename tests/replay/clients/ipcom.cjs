// An app made with @ipcom/asterisk-ari. Run as `ipcom.cjs BASE_URL APP COUNT CHANNEL`; tells what it got in JSON.
const { AriClient } = require("@ipcom/asterisk-ari");
const [base, app, count, channel] = process.argv.slice(2);
console.debug = console.info = () => {};
const tell = console.log;
console.log = () => {};

async function main() {
  const { hostname, port } = new URL(base);
  const client = new AriClient({ host: hostname, port: Number(port), username: "user", password: "password" });
  const got = [];
  let enough;
  const all = new Promise((resolve) => (enough = resolve));
  await client.connectWebSocket([app]);
  for (const type of ["StasisStart", "ChannelDtmfReceived", "ChannelStateChange", "ChannelVarset"]) {
    client.on(type, (event) => {
      got.push({ type: event.type, timestamp: event.timestamp });
      if (got.length === Number(count)) enough();
    });
  }
  tell("ready");
  await all;
  const read = await client.channels.get(channel);
  await client.Channel(channel).answer();
  setTimeout(() => {
    tell(JSON.stringify({ events: got, channel: { id: read.id, name: read.name, state: read.state } }));
    process.exit(0);
  }, 1500);
}
main();
