//! A proxy before the server that can end sessions in place of acknowledging their commits.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};
use tokio_postgres::{Config, config::Host};

/// A server that found its disk full when the commit was on disk, and ended the session.
const DISK_FULL: &[u8] = b"SFATAL\0VFATAL\0C53100\0Mcould not write: No space left on device\0\0";

/// The proxy. It serves as long as the runtime of its test.
pub(crate) struct Proxy {
    url: String,
    ends_commits: Arc<AtomicBool>,
}

impl Proxy {
    /// A proxy before the database with this address.
    pub(crate) async fn before(url: &str) -> Self {
        let config: Config = url.parse().expect("a good address");
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            other => panic!("the server is reached over TCP: {other:?}"),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let here = listener.local_addr().expect("an address").port();
        let login = match config.get_password() {
            Some(password) => format!("&password={}", String::from_utf8_lossy(password)),
            None => String::new(),
        };
        let url = format!(
            "postgres://127.0.0.1:{here}/{}?sslmode=disable&user={}{login}",
            config.get_dbname().expect("a database"),
            config.get_user().expect("a user"),
        );
        let ends_commits = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&ends_commits);
        tokio::spawn(async move {
            while let Ok((store, _)) = listener.accept().await {
                let server = TcpStream::connect((host.as_str(), port)).await;
                let server = server.expect("the server is there");
                tokio::spawn(serve(store, server, Arc::clone(&ends)));
            }
        });
        Self { url, ends_commits }
    }

    /// The address of the database through the proxy.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Whether sessions end in place of an acknowledged commit. The server has committed.
    pub(crate) fn end_commits(&self, ends: bool) {
        self.ends_commits.store(ends, Ordering::SeqCst);
    }
}

async fn serve(store: TcpStream, server: TcpStream, ends: Arc<AtomicBool>) {
    let (mut from_store, mut to_store) = store.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::select! {
        _ = copy(&mut from_store, &mut to_server) => {}
        _ = answer(&mut from_server, &mut to_store, &ends) => {}
    }
}

/// Hands on the server's messages: a byte for the kind, four for the length with these four, the rest.
async fn answer(
    server: &mut OwnedReadHalf,
    store: &mut OwnedWriteHalf,
    ends: &AtomicBool,
) -> std::io::Result<()> {
    loop {
        let (kind, length) = (server.read_u8().await?, server.read_u32().await?);
        let mut rest = vec![0; length as usize - 4];
        server.read_exact(&mut rest).await?;
        let is_commit = kind == b'C' && rest == b"COMMIT\0";
        if is_commit && ends.load(Ordering::SeqCst) {
            send(store, b'E', DISK_FULL).await?;
            return store.shutdown().await;
        }
        send(store, kind, &rest).await?;
    }
}

async fn send(store: &mut OwnedWriteHalf, kind: u8, rest: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(rest.len()).expect("it is short") + 4;
    store.write_u8(kind).await?;
    store.write_u32(length).await?;
    store.write_all(rest).await
}
