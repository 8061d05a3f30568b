// The guide's outbox against answers that a real server gives rarely.
// Usage: GUIDE=<folder of the guide's files> node outbox.mjs

import assert from "node:assert/strict";
import test from "node:test";

const { Outbox } = await import(`file://${process.env.GUIDE}/outbox.js`);

const STORED = { ok: true, data: {} };
const NO_ANSWER = undefined;

function refusedAs(code, retryAfterMs) {
  return { ok: false, error: { code, retryAfterMs } };
}

// Answers in turn; `undefined` is none in time. Settles `emptied` when nothing is left to answer.
class Socket {
  connected = true;
  sent = [];

  constructor(...answers) {
    this.answers = answers;
    this.emptied = new Promise((resolve) => (this.resolve = resolve));
  }

  on(name, react) {
    assert.equal(name, "connect");
    this.connect = react;
  }

  timeout() {
    return this;
  }

  async emitWithAck(name, message) {
    assert.equal(name, "send-message");
    this.sent.push(message);
    const answer = this.answers.shift();
    if (this.answers.length === 0) setImmediate(this.resolve);
    if (answer === NO_ANSWER) throw new Error("operation has timed out");
    return answer;
  }

  get contents() {
    return this.sent.map(({ content }) => content);
  }
}

class Storage {
  items = new Map();
  getItem = (key) => this.items.get(key) ?? null;
  setItem = (key, value) => this.items.set(key, value);
}

test("a message without an answer is sent again under its key, and the next one waits", async () => {
  const socket = new Socket(NO_ANSWER, STORED, STORED);
  const outbox = new Outbox(socket, new Storage());
  outbox.send("c", "one");
  outbox.send("c", "two");
  await socket.emptied;
  assert.deepEqual(socket.contents, ["one", "one", "two"]);
  const [first, again, next] = socket.sent.map(({ clientMessageId }) => clientMessageId);
  assert.equal(first, again);
  assert.notEqual(again, next);
  assert.deepEqual(outbox.waiting, []);
});

test("a message that nothing is wrong with is sent until it is stored", async () => {
  const passing = ["unavailable", "internal", "rate_limited", "token_expired"];
  const socket = new Socket(...passing.map((code) => refusedAs(code, 1)), STORED);
  const refused = [];
  const outbox = new Outbox(socket, new Storage(), (error) => refused.push(error));
  outbox.send("c", "one");
  await socket.emptied;
  assert.deepEqual(socket.contents, Array(5).fill("one"));
  assert.deepEqual([refused, outbox.waiting], [[], []]);
});

test("a message that is refused for good is handed back and holds nobody up", async () => {
  const socket = new Socket(refusedAs("validation_failed"), STORED);
  const refused = [];
  const outbox = new Outbox(socket, new Storage(), ({ code }, { content }) =>
    refused.push([code, content]),
  );
  outbox.send("c", "one");
  outbox.send("c", "two");
  await socket.emptied;
  assert.deepEqual(refused, [["validation_failed", "one"]]);
  assert.deepEqual([socket.contents, outbox.waiting], [["one", "two"], []]);
});

test("what waited is sent by the page that is loaded next, once it is connected", async () => {
  const storage = new Storage();
  const away = new Socket();
  away.connected = false;
  const before = new Outbox(away, storage);
  before.send("c", "one");
  const socket = new Socket(STORED);
  socket.connected = false;
  new Outbox(socket, storage);
  assert.deepEqual([away.sent, socket.sent], [[], []]);
  socket.connected = true;
  socket.connect();
  await socket.emptied;
  assert.deepEqual(socket.sent, before.waiting);
  assert.equal(storage.getItem("outbox"), "[]");
});
