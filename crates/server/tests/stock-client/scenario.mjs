// What a front end does in a day, told once for every transport, in Node.js and in a browser.

import { Tab } from "./tab.mjs";

const MESSAGES = 20;
const LONG = 3_000;
const RECONNECT = { reconnectionDelay: 200, reconnectionDelayMax: 1_000 };

function same(what, found, expected) {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what}: expected ${other}, found ${one}`);
}

function holds(what, truth) {
  if (!truth) throw new Error(`not so: ${what}`);
}

export async function play(io, script, restart) {
  const open = (token) =>
    new Tab(io, script.url, token, { ...RECONNECT, ...script.options });
  const scene = { ...script, open, restart, here: { conversationId: script.conversationId } };
  await refusal(scene);
  await arrivals(scene);
  await transports(scene);
  await chat(scene);
  await typing(scene);
  await receipts(scene);
  await cut(scene);
  await crash(scene);
  await departures(scene);
}

async function refusal({ open }) {
  const stranger = open("not-a-token");
  const error = await stranger.hear("connect_error");
  same("why a bad token is refused", error.data.code, "unauthorized");
  stranger.close();
}

// The salon has two tabs; only the first of them is news.
async function arrivals(scene) {
  const { open, tokens, ids } = scene;
  scene.client = open(tokens.client);
  await scene.client.hear("connect");
  const nobody = await scene.client.hear("presence-snapshot");
  same("who is there already", nobody.online, []);
  await scene.client.hear("unread-count-updated");

  scene.salon = open(tokens.salon);
  const arrival = await scene.client.hear("user-online");
  same("who comes", arrival.userId, ids.salon);
  holds("newcomers have a name", typeof arrival.userName === "string");
  const there = await scene.salon.hear("presence-snapshot");
  same("who the salon finds", there.online.map((person) => person.userId), [ids.client]);

  scene.second = open(tokens.salon);
  await scene.second.hear("presence-snapshot");
  await scene.client.catchUp();
  same("news of a second tab", scene.client.left("user-online"), []);
}

// A browser and Node.js alike offer compression; it is the server that takes it up, or not.
async function transports({ client, salon, second, transport, compressed }) {
  for (const tab of [client, salon, second]) {
    const { engine } = tab.socket.io;
    if (engine.transport.name !== transport) {
      await new Promise((resolve) => engine.once("upgrade", resolve));
    }
    same("the transport", tab.transport, transport);
    if (transport === "websocket") same("compression", tab.isCompressed, compressed);
  }
}

async function chat({ client, salon, second, here, ids }) {
  for (const tab of [client, salon, second]) {
    const joined = await tab.call("join-conversation", here);
    const history = await tab.hear("conversation-history");
    same("the history's end", history.lastSeq, joined.lastSeq);
    tab.forget();
  }
  // Some are long enough to be compressed, where that is on.
  const words = (key) => `Bonjour ${key} 👋`.padEnd(key.endsWith("7") ? LONG : 0, " ça va ?");
  const say = (tab, key) =>
    tab.call("send-message", { ...here, content: words(key), clientMessageId: key });
  const [salonSays, clientSays] = [salon, client].map((tab, side) =>
    Promise.all(Array.from({ length: MESSAGES }, (_, number) => say(tab, `${side}-${number}`))),
  );
  const said = [...(await salonSays), ...(await clientSays)];
  const again = await say(client, "1-0");
  same("a message sent again", again.id, said[MESSAGES].id);

  const inOrder = said.sort((one, other) => one.seq - other.seq).map(essence);
  for (const tab of [client, salon, second]) {
    const heard = [];
    while (heard.length < inOrder.length) heard.push(await tab.hear("new-message"));
    same("the order on every screen", heard.map(essence), inOrder);
    await tab.catchUp();
    same("messages in excess", tab.left("new-message"), []);
  }
  holds("authors are named", said.some((message) => message.sender.id === ids.salon));
}

const essence = ({ id, content }) => [id, content];

async function typing({ client, salon, second, here, ids }) {
  client.socket.emit("user-typing", here);
  for (const tab of [salon, second]) {
    const { userId, conversationId, userName } = await tab.hear("user-typing");
    same("who types, and where", { userId, conversationId }, { userId: ids.client, ...here });
    holds("whoever types has a name", typeof userName === "string");
  }
  client.socket.emit("user-stopped-typing", here);
  for (const tab of [salon, second]) {
    same("who stops", (await tab.hear("user-stopped-typing")).userId, ids.client);
  }
  await client.catchUp();
  same("news of one's own typing", client.left("user-typing"), []);
}

// A message read on one tab of the salon counts on the other, and its author learns of it.
async function receipts({ client, salon, second, here, ids }) {
  for (const tab of [salon, second]) {
    await tab.call("leave-conversation", here);
    await tab.catchUp();
    tab.forget();
  }
  client.forget();
  const message = await client.call("send-message", { ...here, content: "Avez-vous lu ?" });
  for (const tab of [salon, second]) await tab.hear("unread-count-updated", isTotal(1));
  same("before it is read", (await client.hear("new-message")).isRead, false);

  await salon.call("mark-as-read", { messageId: message.id });
  const receipt = await client.hear("message-read");
  same("which one was read", receipt.messageId, message.id);
  const horizon = await client.hear("conversation-read");
  same("by whom", horizon.readerId, ids.salon);
  for (const tab of [salon, second]) {
    await tab.hear("unread-count-updated", isTotal(0));
    await tab.call("join-conversation", here);
    tab.forget();
  }
}

const isTotal = (total) => (data) => data.totalUnread === total;

// A tunnel: what is said meanwhile is told afterwards, once, and the client library calls it recovered.
async function cut({ client, salon, here }) {
  await client.catchUp();
  client.forget();
  await client.cut();
  const missed = await salon.call("send-message", { ...here, content: "Pendant le tunnel" });
  client.comeBack();
  same("after a cut", await client.hear("connect"), { recovered: true });
  same("what was missed", (await client.hear("new-message")).id, missed.id);
  const next = await salon.call("send-message", { ...here, content: "Après le tunnel" });
  same("what comes next", (await client.hear("new-message")).id, next.id);
  same("told twice", client.left("new-message"), []);
}

// The server dies without a word and comes back; everybody returns by themselves.
async function crash({ client, salon, second, here, restart }) {
  const tabs = [client, salon, second];
  for (const tab of tabs) {
    await tab.catchUp();
    tab.forget();
  }
  await restart();
  for (const tab of tabs) {
    await tab.hear("disconnect");
    same("after a restart", await tab.hear("connect"), { recovered: true });
  }
  const next = await client.call("send-message", { ...here, content: "Toujours là ?" });
  for (const tab of tabs) {
    same("after the restart", (await tab.hear("new-message")).id, next.id);
    same("told twice", tab.left("new-message"), []);
  }
}

// The first tab that closes is no news, the last one is, after a while of grace.
async function departures({ client, salon, second, ids }) {
  client.forget();
  salon.close();
  await second.catchUp();
  await client.catchUp();
  same("news of a tab that closed", client.left("user-offline"), []);
  second.close();
  same("who left", (await client.hear("user-offline")).userId, ids.salon);
  client.close();
}
