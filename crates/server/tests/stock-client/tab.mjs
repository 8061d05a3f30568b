// One page somebody has open: the unmodified client library, and everything it heard, in order.
// Runs in Node.js and in browsers: nothing here belongs to either.

const PATIENCE_MS = 20_000;

export class Tab {
  #heard = [];
  #waiting = new Set();

  constructor(io, url, token, options) {
    this.socket = io(`${url}/messaging`, { auth: { token }, forceNew: true, ...options });
    this.socket.onAny((name, data) => this.#take(name, data));
    this.socket.on("connect", () => this.#take("connect", { recovered: this.socket.recovered }));
    this.socket.on("disconnect", (reason) => this.#take("disconnect", reason));
    this.socket.on("connect_error", (error) => this.#take("connect_error", error));
  }

  // The next event of this name that fits and was not handed out before; it may have arrived already.
  hear(name, fits = () => true) {
    const place = this.#heard.findIndex((event) => event.name === name && fits(event.data));
    if (place >= 0) return Promise.resolve(this.#heard.splice(place, 1)[0].data);
    return new Promise((resolve, reject) => {
      const wait = { name, fits, resolve };
      wait.timer = setTimeout(() => {
        this.#waiting.delete(wait);
        const names = this.#heard.map((event) => event.name).join(", ");
        reject(new Error(`no ${name} within ${PATIENCE_MS} ms; not asked for: ${names}`));
      }, PATIENCE_MS);
      this.#waiting.add(wait);
    });
  }

  // Events of this name that arrived and were not handed out.
  left(name) {
    return this.#heard.filter((event) => event.name === name).map((event) => event.data);
  }

  forget() {
    this.#heard = [];
  }

  // Says something and hands over what is acknowledged, which must be a success.
  async call(name, data) {
    const ack = await this.socket.timeout(PATIENCE_MS).emitWithAck(name, data);
    if (ack.ok !== true) throw new Error(`${name}: ${JSON.stringify(ack)}`);
    return ack.data;
  }

  // What the server has sent so far has arrived: it answers in order.
  async catchUp() {
    await this.socket.timeout(PATIENCE_MS).emitWithAck("join-conversation", {});
  }

  get transport() {
    return this.socket.io.engine.transport.name;
  }

  // Whether the WebSocket agreed on compression with the server.
  get isCompressed() {
    return this.socket.io.engine.transport.ws.extensions.includes("permessage-deflate");
  }

  // Cuts the connection and does not come back by itself, until `comeBack`.
  async cut() {
    this.socket.io.reconnection(false);
    this.socket.io.engine.close();
    await this.hear("disconnect");
  }

  comeBack() {
    this.socket.io.reconnection(true);
    this.socket.connect();
  }

  close() {
    this.socket.disconnect();
  }

  #take(name, data) {
    for (const wait of this.#waiting) {
      if (wait.name === name && wait.fits(data)) {
        this.#waiting.delete(wait);
        clearTimeout(wait.timer);
        wait.resolve(data);
        return;
      }
    }
    this.#heard.push({ name, data });
  }
}
