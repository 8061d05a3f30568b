// The guide's conversation on a connection that breaks at the worst moment.
// Usage: GUIDE=<folder of the guide's files> node conversation.mjs

import assert from "node:assert/strict";
import test from "node:test";

const { Conversation } = await import(`file://${process.env.GUIDE}/conversation.js`);

// Notes what is emitted; the test answers it, or does not.
class Socket {
  connected = true;
  recovered = false;
  emitted = [];
  listeners = {};

  on(name, react) {
    this.listeners[name] = react;
  }

  emit(name, payload, answer) {
    this.emitted.push({ name, payload, answer });
  }

  hear(name, event) {
    this.listeners[name](event);
  }

  // What was emitted since the last call, by name.
  names() {
    return this.emitted.splice(0).map(({ name }) => name);
  }

  reconnect(recovered) {
    this.recovered = recovered;
    this.hear("connect");
  }
}

const open = () => {
  const socket = new Socket();
  return { socket, conversation: new Conversation(socket, "c", () => {}) };
};

test("what nobody was shown is not marked as read", () => {
  const { socket } = open();
  const [{ answer }] = socket.emitted;
  assert.deepEqual(socket.names(), ["join-conversation"]);
  answer({ ok: false, error: { code: "unavailable" } });
  assert.deepEqual(socket.names(), []);
});

test("a join that was not answered is sent again though the connection was recovered", () => {
  const { socket } = open();
  socket.names();
  socket.reconnect(true);
  const [{ answer }] = socket.emitted;
  assert.deepEqual(socket.names(), ["join-conversation"]);
  answer({ ok: true });
  assert.deepEqual(socket.names(), ["mark-conversation-as-read"]);
  socket.reconnect(true);
  assert.deepEqual(socket.names(), ["mark-conversation-as-read"]);
  socket.reconnect(false);
  assert.deepEqual(socket.names(), ["join-conversation"]);
});

test("the answer to an earlier join says nothing of the one that followed it", () => {
  const { socket, conversation } = open();
  const [{ answer }] = socket.emitted;
  conversation.look(false);
  socket.names();
  answer({ ok: true });
  assert.deepEqual([socket.names(), conversation.isJoined], [[], false]);
});

test("an event without a position is no position", () => {
  const { socket, conversation } = open();
  const read = { conversationId: "c", readerId: "s", upToSeq: 7, readAt: "now" };
  socket.hear("conversation-read", read);
  assert.equal(conversation.lastSeq, undefined);
  socket.hear("conversation-history", { conversationId: "c", messages: [], lastSeq: 5 });
  socket.hear("conversation-read", read);
  socket.hear("conversation-read", { ...read, seq: 6 });
  assert.equal(conversation.lastSeq, 6);
});
