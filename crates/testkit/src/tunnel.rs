//! A TCP proxy in front of the server whose connections can be cut, to simulate a lost network.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use crate::Fault;

/// A TCP proxy on a local port. Stops when dropped.
#[derive(Debug)]
pub struct Tunnel {
    port: u16,
    is_cut: Arc<AtomicBool>,
    cuts: watch::Sender<()>,
    listener_task: JoinHandle<()>,
}

impl Tunnel {
    /// Starts a proxy to the server at this address, which may restart.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn to(url: &str) -> Result<Self, Fault> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(Fault::while_doing("start a tunnel"))?;
        let address = listener.local_addr().map_err(Fault::while_doing("start a tunnel"))?;
        let (cuts, _) = watch::channel(());
        let is_cut = Arc::new(AtomicBool::new(false));
        let server = url.trim_start_matches("http://").to_owned();
        let listener_task = tokio::spawn(listen(listener, server, is_cut.clone(), cuts.clone()));
        Ok(Self { port: address.port(), is_cut, cuts, listener_task })
    }

    /// The address of the proxy.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Cuts every connection and refuses new ones.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.cuts.send_replace(());
    }

    /// Accepts connections again.
    pub fn restore(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.listener_task.abort();
        self.cuts.send_replace(());
    }
}

async fn listen(
    listener: TcpListener,
    server: String,
    is_cut: Arc<AtomicBool>,
    cuts: watch::Sender<()>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let cut = cuts.subscribe();
        // Checked after the subscription, so that a cut in between is not missed.
        if !is_cut.load(Ordering::SeqCst) {
            tokio::spawn(forward(client, server.clone(), cut));
        }
    }
}

/// Forwards bytes both ways until either side disconnects, or a cut.
async fn forward(mut client: TcpStream, server: String, mut cut: watch::Receiver<()>) {
    let Ok(mut server_stream) = TcpStream::connect(&server).await else { return };
    tokio::select! {
        // Both connections end with this task, whatever the reason.
        _ = copy_bidirectional(&mut client, &mut server_stream) => {}
        _ = cut.changed() => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn nothing_passes_a_tunnel_that_is_cut_until_it_is_restored() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = server.local_addr().expect("an address");
        let tunnel = Tunnel::to(&format!("http://{address}")).await.expect("a tunnel");
        let enter = async || {
            let mut client =
                TcpStream::connect(("127.0.0.1", tunnel.port)).await.expect("a connection");
            client.write_all(b"a").await.map(|()| client)
        };

        let mut client = enter().await.expect("open");
        let (mut server_stream, _) = server.accept().await.expect("it leads here");
        assert_eq!(server_stream.read_u8().await.expect("a byte"), b'a');
        tunnel.cut();
        assert!(client.read_u8().await.is_err() && server_stream.read_u8().await.is_err());

        if let Ok(mut refused) = enter().await {
            assert!(refused.read_u8().await.is_err());
        }
        tunnel.restore();
        let _near = enter().await.expect("open again");
        let (mut server_stream, _) = server.accept().await.expect("it leads here");
        assert_eq!(server_stream.read_u8().await.expect("a byte"), b'a');
    }
}
