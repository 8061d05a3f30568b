//! A proxy between a store and the server, which cuts the connection of the next `COMMIT`.

use std::{
    io::Result,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, sink},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_postgres::{Config, config::Host};

use crate::support::Scratch;

/// Where a connection is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server does not receive the next `COMMIT`.
    Request,
    /// The server has received the next `COMMIT` and may be busy with it.
    Between,
    /// The server has committed, and its answer is not received.
    Answer,
    /// The server has committed, found its disk full as it made that known, and ended the session.
    DiskFull,
}

const DISK_FULL: &[u8] = b"SFATAL\0VFATAL\0C53100\0Mcould not write: No space left on device\0\0";

#[derive(Default)]
struct Plan {
    cut: Mutex<Option<Cut>>,
    /// Whether the server cannot be reached after the cut.
    leaves: AtomicBool,
    is_away: AtomicBool,
}

impl Plan {
    fn cut(&self) -> MutexGuard<'_, Option<Cut>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the cut that is planned, if it is one of these.
    fn take(&self, wanted: [Cut; 2]) -> Option<Cut> {
        self.cut().take_if(|cut| wanted.contains(cut))
    }
}

/// The proxy.
pub(crate) struct Proxy {
    url: String,
    plan: Arc<Plan>,
    listener: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(scratch: &Scratch) -> Self {
        let config: Config = scratch.url().parse().expect("a good address");
        let host = match config.get_hosts() {
            [Host::Tcp(name)] => name.clone(),
            other => panic!("the server has to listen on TCP: {other:?}"),
        };
        let server = (host, config.get_ports().first().copied().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let password = config.get_password().map(String::from_utf8_lossy);
        let url = format!(
            "postgres://{}:{}@{address}/{}?sslmode=disable",
            config.get_user().unwrap_or("postgres"),
            password.as_deref().unwrap_or("none"),
            scratch.name(),
        );
        let plan = Arc::new(Plan::default());
        let listener = tokio::spawn(listen(listener, server, Arc::clone(&plan)));
        Self { url, plan, listener }
    }

    /// The address of the database through the proxy.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Cuts the connection of the next `COMMIT`. New connections are possible.
    pub(crate) fn cut(&self, cut: Cut) {
        *self.plan.cut() = Some(cut);
    }

    /// The same, and no connection is possible until [`restore`](Self::restore).
    pub(crate) fn cut_and_leave(&self, cut: Cut) {
        self.plan.leaves.store(true, Ordering::SeqCst);
        self.cut(cut);
    }

    pub(crate) fn restore(&self) {
        self.plan.leaves.store(false, Ordering::SeqCst);
        self.plan.is_away.store(false, Ordering::SeqCst);
    }

    /// Whether the connection was cut as planned.
    pub(crate) fn has_cut(&self) -> bool {
        self.plan.cut().is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(listener: TcpListener, server: (String, u16), plan: Arc<Plan>) {
    while let Ok((client, _)) = listener.accept().await {
        if !plan.is_away.load(Ordering::SeqCst) {
            let (server, plan) = (server.clone(), Arc::clone(&plan));
            tokio::spawn(async move {
                // Either side has hung up.
                forward(client, server, &plan).await.ok();
            });
        }
    }
}

async fn forward(client: TcpStream, server: (String, u16), plan: &Plan) -> Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    let cut = tokio::select! {
        cut = requests(&mut from_client, &mut to_server, plan) => cut?,
        cut = answers(&mut from_server, &mut to_client, plan) => cut?,
    };
    plan.is_away.store(plan.leaves.load(Ordering::SeqCst), Ordering::SeqCst);
    drop((from_client, to_client));
    if cut == Cut::Between {
        // A server that finds its client gone before the commit rolls back.
        copy(&mut from_server, &mut sink()).await?;
    }
    Ok(())
}

/// Hands on what the client sends, up to a cut.
async fn requests(
    client: &mut (impl AsyncRead + Unpin),
    server: &mut (impl AsyncWrite + Unpin),
    plan: &Plan,
) -> Result<Cut> {
    // The first message has no kind.
    let startup = rest(client).await?;
    send(server, &startup).await?;
    loop {
        let (kind, rest) = (client.read_u8().await?, rest(client).await?);
        let is_commit = kind == b'Q' && rest == b"COMMIT\0";
        let cut = is_commit.then(|| plan.take([Cut::Request, Cut::Between])).flatten();
        if cut != Some(Cut::Request) {
            server.write_u8(kind).await?;
            send(server, &rest).await?;
        }
        if let Some(cut) = cut {
            return Ok(cut);
        }
    }
}

/// Hands on what the server answers, up to a cut.
async fn answers(
    server: &mut (impl AsyncRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
    plan: &Plan,
) -> Result<Cut> {
    loop {
        let (kind, rest) = (server.read_u8().await?, rest(server).await?);
        let is_commit = kind == b'C' && rest == b"COMMIT\0";
        let Some(cut) = is_commit.then(|| plan.take([Cut::Answer, Cut::DiskFull])).flatten() else {
            client.write_u8(kind).await?;
            send(client, &rest).await?;
            continue;
        };
        if cut == Cut::DiskFull {
            client.write_u8(b'E').await?;
            send(client, DISK_FULL).await?;
            client.shutdown().await?;
        }
        return Ok(cut);
    }
}

/// A message without its kind: four bytes for its length with these four, then the rest, which is
/// returned.
async fn rest(from: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut rest = vec![0; length as usize - 4];
    from.read_exact(&mut rest).await?;
    Ok(rest)
}

async fn send(to: &mut (impl AsyncWrite + Unpin), rest: &[u8]) -> Result<()> {
    let length = u32::try_from(rest.len()).expect("it is short") + 4;
    to.write_u32(length).await?;
    to.write_all(rest).await
}
