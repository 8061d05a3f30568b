// Two people with the unmodified client library: what a front end developer gets.
// Usage: node exchange.mjs <url> <conversation> <salon token> <client token> <messages>
// Prints nothing when all is well; fails with the first thing that is not.

import assert from "node:assert/strict";
import { once } from "node:events";
import { io } from "socket.io-client";

const [url, conversationId, salonToken, clientToken, count] = process.argv.slice(2);
const MESSAGES = Number(count);
const ACK_MS = 20_000;

const connect = (token) =>
  io(`${url}/messaging`, { auth: { token }, transports: ["websocket"], forceNew: true });

async function join(token) {
  const socket = connect(token);
  const history = once(socket, "conversation-history");
  const ack = await socket.timeout(ACK_MS).emitWithAck("join-conversation", { conversationId });
  assert.equal(ack.ok, true);
  assert.equal((await history)[0].conversationId, conversationId);
  return socket;
}

// Everything that arrives in the room, until it is complete.
function listen(socket) {
  const heard = [];
  const complete = new Promise((resolve) => {
    socket.on("new-message", (message) => {
      heard.push(message);
      if (heard.length === MESSAGES) resolve(heard);
    });
  });
  return complete;
}

// Sends without waiting for the answers: they come when they come.
function say(socket, name, from, to) {
  const sends = [];
  for (let i = from; i < to; i += 1) {
    const message = { conversationId, content: `Message ${i}`, clientMessageId: `${name}-${i}` };
    sends.push(socket.timeout(ACK_MS).emitWithAck("send-message", message));
  }
  return Promise.all(sends);
}

async function exchange() {
  const [salon, client] = await Promise.all([join(salonToken), join(clientToken)]);
  const listeners = [listen(salon), listen(client)];
  const half = MESSAGES / 2;
  const acks = (
    await Promise.all([say(salon, "salon", 0, half), say(client, "client", half, MESSAGES)])
  ).flat();
  for (const ack of acks) assert.equal(ack.ok, true, JSON.stringify(ack));

  const promised = acks.map((ack) => ack.data.id).sort();
  assert.equal(new Set(promised).size, MESSAGES);
  for (const heard of await Promise.all(listeners)) {
    assert.deepEqual(heard.map((message) => message.id).sort(), promised, "each message, once");
    heard.reduce((before, message) => {
      assert.ok(message.seq > before, `position ${message.seq} after ${before}`);
      return message.seq;
    }, 0);
  }
  return [salon, client];
}

async function refusal() {
  const socket = connect("not-a-token");
  const [error] = await once(socket, "connect_error");
  assert.equal(error.data.code, "unauthorized");
  assert.equal(typeof error.message, "string");
  socket.disconnect();
}

async function failureWithoutAck(socket) {
  const failure = once(socket, "error");
  socket.emit("send-message", { conversationId: "nowhere", content: "Bonjour" });
  const [{ code, event }] = await failure;
  assert.deepEqual({ code, event }, { code: "conversation_not_found", event: "send-message" });
}

const sockets = await exchange();
await refusal();
await failureWithoutAck(sockets[0]);
for (const socket of sockets) socket.disconnect();
