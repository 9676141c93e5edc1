// An app made with ari-client. Run as `ari_client.cjs BASE_URL APP COUNT CHANNEL`; tells what it got in JSON.
const ari = require("ari-client");
const [base, app, count, channel] = process.argv.slice(2);

ari.connect(base, "user", "password").then(async (client) => {
  const got = [];
  const types = Object.keys(client._swagger.apis.events.models);
  const all = new Promise((resolve) => {
    for (const type of types) {
      client.on(type, (event) => {
        got.push(event);
        if (got.length === Number(count)) resolve();
      });
    }
  });
  await client.start(app);
  console.log("ready");
  await all;
  const read = await client.channels.get({ channelId: channel });
  await client.channels.answer({ channelId: channel });
  setTimeout(() => {
    console.log(JSON.stringify({ events: got, channel: { id: read.id, name: read.name, state: read.state } }));
    process.exit(0);
  }, 1500);
});
