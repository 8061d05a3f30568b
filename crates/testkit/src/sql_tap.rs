//! A TCP proxy in front of PostgreSQL that records every executed statement.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

use crate::Fault;

const CHUNK_BYTES: usize = 16 * 1_024;

/// A proxy to a database that records every statement before it forwards it. Stops when dropped.
#[derive(Debug)]
pub struct SqlTap {
    url: String,
    statements: Statements,
    listener_task: JoinHandle<()>,
}

type Statements = Arc<Mutex<Vec<String>>>;

impl SqlTap {
    /// Starts a proxy to the database with this URL, which must use TCP without TLS.
    ///
    /// # Errors
    /// When there is no port to listen on, or the URL names no address.
    pub async fn on(database_url: &str) -> Result<Self, Fault> {
        let database = address_in(database_url).to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(Fault::while_doing("start a proxy for a database"))?;
        let address =
            listener.local_addr().map_err(Fault::while_doing("start a proxy for a database"))?;
        let url = database_url.replacen(&database, &address.to_string(), 1);
        let statements = Statements::default();
        let listener_task = tokio::spawn(listen(listener, database, statements.clone()));
        Ok(Self { url, statements, listener_task })
    }

    /// The URL of the database through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes the statements recorded since the last call, in order.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.statements))
    }
}

impl Drop for SqlTap {
    fn drop(&mut self) {
        self.listener_task.abort();
    }
}

fn lock(statements: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    statements.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Host and port of a database URL.
fn address_in(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    authority.rsplit_once('@').map_or(authority, |(_, address)| address)
}

async fn listen(listener: TcpListener, database: String, statements: Statements) {
    while let Ok((server, _)) = listener.accept().await {
        // If the database is unreachable, dropping the connection tells the server.
        let Ok(database_stream) = TcpStream::connect(&database).await else { continue };
        let ((from_server, to_server), (from_database, to_database)) =
            (server.into_split(), database_stream.into_split());
        tokio::spawn(forward_statements(from_server, to_database, statements.clone()));
        tokio::spawn(forward_results(from_database, to_server));
    }
}

/// Forwards the server's messages and records their statements, until either side disconnects.
async fn forward_statements(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    statements: Statements,
) {
    let mut parser = StatementParser::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        // Recorded before forwarding, so that a test that sees an effect finds its statement.
        lock(&statements).extend(parser.push(&chunk[..length]));
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}

async fn forward_results(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // Both halves end with this task, whatever the reason.
    copy(&mut from, &mut to).await.ok();
}

// A parser for the client side of one connection (PostgreSQL protocol 3.0): bytes in, statements out.

/// The code of a TLS request, sent in place of a protocol version; the startup message follows it.
const TLS_REQUEST: &[u8] = &80_877_103_u32.to_be_bytes();
/// The size of a length field, which counts itself.
const LENGTH_BYTES: usize = 4;

/// Parses the messages of one connection.
#[derive(Debug, Default)]
struct StatementParser {
    pending: Vec<u8>,
    has_started: bool,
    prepared: HashMap<Vec<u8>, String>,
}

impl StatementParser {
    /// Parses the next bytes, in any chunks, and returns the statements they execute.
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.pending.extend_from_slice(bytes);
        let mut run = Vec::new();
        while let Some((kind, body)) = self.next_message() {
            run.extend(self.apply(kind, &body));
        }
        run
    }

    /// The next whole message. The startup message has no kind.
    fn next_message(&mut self) -> Option<(Option<u8>, Vec<u8>)> {
        let kind_bytes = usize::from(self.has_started);
        let length = self.pending.get(kind_bytes..kind_bytes + LENGTH_BYTES)?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        let end = kind_bytes + usize::try_from(length).ok()?;
        if self.pending.len() < end {
            return None;
        }
        let message: Vec<u8> = self.pending.drain(..end).collect();
        let kind = self.has_started.then(|| message[0]);
        Some((kind, message[kind_bytes + LENGTH_BYTES..].to_vec()))
    }

    fn apply(&mut self, kind: Option<u8>, body: &[u8]) -> Option<String> {
        let mut texts = body.split(|byte| *byte == 0);
        match kind {
            None => {
                self.has_started = body != TLS_REQUEST;
                None
            }
            // Parse: the name and text of a prepared statement.
            Some(b'P') => {
                let (name, sql) = (texts.next()?, texts.next()?);
                self.prepared.insert(name.to_vec(), text(sql));
                None
            }
            // Bind: the names of a portal and of a prepared statement, which is executed next.
            Some(b'B') => self.prepared.get(texts.nth(1)?).cloned(),
            // Query: executed at once.
            Some(b'Q') => texts.next().map(text),
            Some(_) => None,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod sql_tap_tests {
    use super::*;

    #[test]
    fn the_address_is_found_between_user_and_database() {
        let table = [
            ("postgres://p@127.0.0.1:5/d", "127.0.0.1:5"),
            ("postgresql://p:w@h:1/d?sslmode=disable", "h:1"),
            ("postgres://h:1", "h:1"),
        ];
        for (url, address) in table {
            assert_eq!(address_in(url), address);
        }
    }
}

#[cfg(test)]
mod parser_tests {
    use super::*;

    fn message(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + LENGTH_BYTES).expect("short").to_be_bytes();
        [kind.as_slice(), &length, body].concat()
    }

    #[test]
    fn statements_are_recorded_when_they_are_run_however_the_bytes_are_cut() {
        let messages = [
            message(None, TLS_REQUEST),
            message(None, b"\0\x03\0\0user\0p\0\0"),
            message(Some(b'P'), b"s1\0SELECT $1\0\0\0"),
            message(Some(b'S'), b""),
            message(Some(b'B'), b"\0s1\0\0\0"),
            message(Some(b'E'), b"\0\0\0\0\0"),
            message(Some(b'Q'), b"BEGIN\0"),
            message(Some(b'B'), b"\0s1\0\0\0"),
        ]
        .concat();
        let run = ["SELECT $1", "BEGIN", "SELECT $1"];
        assert_eq!(StatementParser::default().push(&messages), run);
        let mut parser = StatementParser::default();
        let bytewise = messages.iter().flat_map(|byte| parser.push(&[*byte]));
        assert_eq!(bytewise.collect::<Vec<_>>(), run);
    }
}
