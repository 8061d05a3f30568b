// A mail server on a free port. Tells what happens on standard output, one JSON value per line, and
// fails as the recipient's name asks, unless it is lenient.
//
//   node server.mjs [{"tls": "none" | "starttls" | "implicit", "key": …, "cert": …,
//                     "user": …, "password": …, "port": 2525, "greets": false, "failPercent": 30, "seed": 1,
//                     "lenient": true}]

import { SMTPServer } from "smtp-server";

const options = { tls: "none", port: 0, greets: true, failPercent: 0, seed: 1, lenient: false, ...JSON.parse(process.argv[2] ?? "{}") };
const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

function failure(code, words) {
  return Object.assign(new Error(words), { responseCode: code });
}

// What becomes of a recipient, by the part before the `@`. `null`: no answer, ever.
const ON_RECIPIENT = {
  busy: failure(451, "4.3.0 busy, lea@example.org, come back"),
  unknown: failure(550, "5.1.1 <lea@example.org>: nobody of that name"),
  nameless: failure(550, "nobody of that name"),
  blocked: failure(550, "5.7.1 we do not like your network"),
  stranger: failure(530, "5.7.0 log in first"),
  silent: null,
};
// What becomes of a mail that was read to its end.
const ON_TEXT = {
  full: failure(452, "4.3.1 no room"),
  spam: failure(554, "5.6.0 we do not like what it says"),
  mute: null,
};

// Always the same luck for the same seed.
let state = options.seed >>> 0;
function isUnlucky() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state / 2 ** 32) * 100 < options.failPercent;
}

function answer(outcomes, address, done) {
  const outcome = options.lenient ? undefined : outcomes[address.split("@")[0]];
  if (outcome === null) tell({ silent: true });
  else done(outcome ?? (isUnlucky() ? failure(451, "4.3.0 bad luck") : undefined));
}

const server = new SMTPServer({
  secure: options.tls === "implicit",
  hideSTARTTLS: options.tls !== "starttls",
  ...(options.key && { key: options.key, cert: options.cert }),
  authOptional: !options.user,
  allowInsecureAuth: options.tls === "none",
  disableReverseLookup: true,
  closeTimeout: 1,
  onConnect(session, done) {
    tell({ connected: true });
    if (options.greets) done();
  },
  onAuth(auth, session, done) {
    const known = auth.username === options.user && auth.password === options.password;
    tell({ login: known });
    if (known) done(null, { user: auth.username });
    else done(failure(535, "5.7.8 no"));
  },
  onRcptTo(address, session, done) {
    answer(ON_RECIPIENT, address.address, done);
  },
  onData(stream, session, done) {
    const pieces = [];
    stream.on("data", (piece) => pieces.push(piece));
    stream.on("end", () => {
      const { mailFrom, rcptTo } = session.envelope;
      const to = rcptTo.map((recipient) => recipient.address);
      const mail = { from: mailFrom.address, to, secure: session.secure, text: Buffer.concat(pieces).toString("base64") };
      // It has the mail, and nobody hears of that.
      if (to[0].startsWith("fatal@") && !options.lenient) return process.stdout.write(`${JSON.stringify({ mail })}\n`, () => process.exit(0));
      answer(ON_TEXT, to[0], (error) => {
        if (!error) tell({ mail });
        done(error);
      });
    });
  },
});

// A client that breaks off is none of our business.
server.on("error", () => {});
server.listen(options.port, "127.0.0.1", () => tell({ port: server.server.address().port }));
// Ends with whoever started it.
process.stdin.resume().on("end", () => process.stdout.write("", () => process.exit(0)));
