// The guide's way in, against a real server whose tokens end soon.
// Usage: GUIDE=<folder of the guide's files> SCRIPT=<JSON> node connect.mjs

import assert from "node:assert/strict";
import test from "node:test";

const { connect } = await import(`file://${process.env.GUIDE}/connect.js`);
const { url, lasting, ending, endingAfterMs, ended } = JSON.parse(process.env.SCRIPT);

const next = (socket, name) => new Promise((resolve) => socket.once(name, resolve));

// Hands out tokens in turn, and the last one for ever after.
function tokens(...list) {
  const give = () => (give.asked++, list.length > 1 ? list.shift() : list[0]);
  give.asked = 0;
  return give;
}

// First: its token is running out already.
test("a token that is about to end is replaced, and the socket outlives it", async () => {
  const getToken = tokens(ending, lasting);
  const socket = connect(url, getToken);
  const failures = [];
  for (const name of ["connect_error", "disconnect", "error"]) {
    socket.on(name, (why) => failures.push([name, why]));
  }
  await next(socket, "connect");
  await new Promise((resolve) => setTimeout(resolve, endingAfterMs));
  await socket.timeout(10_000).emitWithAck("join-conversation", {});
  assert.deepEqual([failures, socket.connected, getToken.asked], [[], true, 2]);
  socket.disconnect();
});

test("a socket whose token had ended comes in with the next one", async () => {
  const getToken = tokens(ended, lasting);
  const socket = connect(url, getToken);
  const error = await next(socket, "connect_error");
  assert.equal(error.data.code, "token_expired");
  await next(socket, "connect");
  assert.equal(getToken.asked, 2);
  socket.disconnect();
});

test("a token that nobody signed is not tried again", async () => {
  const getToken = tokens("not-a-token");
  const socket = connect(url, getToken);
  const error = await next(socket, "connect_error");
  assert.equal(error.data.code, "unauthorized");
  assert.deepEqual([getToken.asked, socket.active], [1, false]);

  const [react] = socket.listeners("connect_error");
  const { setTimeout } = globalThis;
  const planned = [];
  globalThis.setTimeout = (_, afterMs) => planned.push(afterMs);
  react(error);
  assert.deepEqual(planned, []);
  react({ data: { code: "too_many_sessions" } });
  react({ data: { code: "unavailable", retryAfterMs: 7 } });
  globalThis.setTimeout = setTimeout;
  assert.deepEqual(planned, [5_000, 7]);
});
