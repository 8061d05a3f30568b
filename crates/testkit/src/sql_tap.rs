//! Listens to what a server asks its database: every statement, as it goes by.

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

/// A way to a database on which every statement is noted before it gets there. Gone when dropped.
#[derive(Debug)]
pub struct SqlTap {
    url: String,
    statements: Statements,
    listening: JoinHandle<()>,
}

type Statements = Arc<Mutex<Vec<String>>>;

impl SqlTap {
    /// Listens on the way to the database with this URL, which must speak TCP, in clear.
    ///
    /// # Errors
    /// When there is no port to listen on, or the URL names no address.
    pub async fn on(database_url: &str) -> Result<Self, Fault> {
        let database = address_in(database_url).to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(Fault::while_doing("listen before a database"))?;
        let near = listener.local_addr().map_err(Fault::while_doing("listen before a database"))?;
        let url = database_url.replacen(&database, &near.to_string(), 1);
        let statements = Statements::default();
        let listening = tokio::spawn(listen(listener, database, statements.clone()));
        Ok(Self { url, statements, listening })
    }

    /// The database's URL for those who are to be listened to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes the statements since the last time, in the order in which they were sent.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.statements))
    }
}

impl Drop for SqlTap {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn lock(statements: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    statements.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Host and port, between the name of the user and that of the database.
fn address_in(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    authority.rsplit_once('@').map_or(authority, |(_, address)| address)
}

async fn listen(listener: TcpListener, database: String, statements: Statements) {
    while let Ok((near, _)) = listener.accept().await {
        // A database that is not there: the server learns so by the end of its connection.
        let Ok(far) = TcpStream::connect(&database).await else { continue };
        let ((from_server, to_server), (from_database, to_database)) =
            (near.into_split(), far.into_split());
        tokio::spawn(carry(from_server, to_database, statements.clone()));
        tokio::spawn(carry_back(from_database, to_server));
    }
}

/// Ends with either end, and then so does the connection.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, statements: Statements) {
    let mut parser = StatementParser::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        // Noted first: whoever sees an effect finds the cause.
        lock(&statements).extend(parser.push(&chunk[..length]));
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}

async fn carry_back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // However it ends, both halves end with it.
    copy(&mut from, &mut to).await.ok();
}

// What one connection says to PostgreSQL (protocol 3.0): bytes in, statements out.

/// The code of a request for TLS, in place of a protocol version; the true start follows it.
const TLS_REQUEST: &[u8] = &80_877_103_u32.to_be_bytes();
/// A length counts itself.
const LENGTH_BYTES: usize = 4;

/// Understands one connection.
#[derive(Debug, Default)]
struct StatementParser {
    pending: Vec<u8>,
    has_started: bool,
    prepared: HashMap<Vec<u8>, String>,
}

impl StatementParser {
    /// Takes in the next bytes, however they are cut, and tells the statements that are now run.
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.pending.extend_from_slice(bytes);
        let mut run = Vec::new();
        while let Some((kind, body)) = self.next_message() {
            run.extend(self.understand(kind, &body));
        }
        run
    }

    /// The next whole message. The first one has no kind.
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

    fn understand(&mut self, kind: Option<u8>, body: &[u8]) -> Option<String> {
        let mut texts = body.split(|byte| *byte == 0);
        match kind {
            None => {
                self.has_started = body != TLS_REQUEST;
                None
            }
            // Parse: the statement's name, and its text.
            Some(b'P') => {
                let (name, sql) = (texts.next()?, texts.next()?);
                self.prepared.insert(name.to_vec(), text(sql));
                None
            }
            // Bind: a portal's name, and the statement's; to be run with these values.
            Some(b'B') => self.prepared.get(texts.nth(1)?).cloned(),
            // Query: run at once.
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
    fn statements_are_told_when_they_are_run_however_the_bytes_are_cut() {
        let said = [
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
        assert_eq!(StatementParser::default().push(&said), run);
        let mut parser = StatementParser::default();
        let bytewise = said.iter().flat_map(|byte| parser.push(&[*byte]));
        assert_eq!(bytewise.collect::<Vec<_>>(), run);
    }
}
