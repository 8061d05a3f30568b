//! Listens to what a server asks its database: every statement, as it goes by.

mod ear;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

use crate::Fault;
use ear::Ear;

const CHUNK_BYTES: usize = 16 * 1_024;

/// A way to a database on which every statement is noted before it gets there. Gone when dropped.
#[derive(Debug)]
pub struct SqlTap {
    url: String,
    heard: Heard,
    listening: JoinHandle<()>,
}

type Heard = Arc<Mutex<Vec<String>>>;

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
        let heard = Heard::default();
        let listening = tokio::spawn(listen(listener, database, heard.clone()));
        Ok(Self { url, heard, listening })
    }

    /// The database's URL for those who are to be listened to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes the statements since the last time, in the order in which they were sent.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.heard))
    }
}

impl Drop for SqlTap {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn lock(heard: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Host and port, between the name of the user and that of the database.
fn address_in(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    authority.rsplit_once('@').map_or(authority, |(_, address)| address)
}

async fn listen(listener: TcpListener, database: String, heard: Heard) {
    while let Ok((near, _)) = listener.accept().await {
        // A database that is not there: the server learns so by the end of its connection.
        let Ok(far) = TcpStream::connect(&database).await else { continue };
        let ((from_server, to_server), (from_database, to_database)) =
            (near.into_split(), far.into_split());
        tokio::spawn(carry(from_server, to_database, heard.clone()));
        tokio::spawn(carry_back(from_database, to_server));
    }
}

/// Ends with either end, and then so does the connection.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, heard: Heard) {
    let mut ear = Ear::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        // Noted first: whoever sees an effect finds the cause.
        lock(&heard).extend(ear.hear(&chunk[..length]));
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}

async fn carry_back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // However it ends, both halves end with it.
    copy(&mut from, &mut to).await.ok();
}

#[cfg(test)]
mod tests {
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
