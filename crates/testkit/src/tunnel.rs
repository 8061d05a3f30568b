//! A way to the server that can be cut, as trains cut it in tunnels.

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

/// A local address that leads to a server. Gone when dropped.
#[derive(Debug)]
pub struct Tunnel {
    port: u16,
    is_cut: Arc<AtomicBool>,
    cuts: watch::Sender<()>,
    listening: JoinHandle<()>,
}

impl Tunnel {
    /// Leads to the server at this address, which may come and go.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn to(url: &str) -> Result<Self, Fault> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(Fault::while_doing("listen at a tunnel"))?;
        let address = listener.local_addr().map_err(Fault::while_doing("listen at a tunnel"))?;
        let (cuts, _) = watch::channel(());
        let is_cut = Arc::new(AtomicBool::new(false));
        let server = url.trim_start_matches("http://").to_owned();
        let listening = tokio::spawn(listen(listener, server, is_cut.clone(), cuts.clone()));
        Ok(Self { port: address.port(), is_cut, cuts, listening })
    }

    /// Where it begins.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Cuts every connection and lets none through.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.cuts.send_replace(());
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.listening.abort();
        self.cuts.send_replace(());
    }
}

async fn listen(
    listener: TcpListener,
    server: String,
    is_cut: Arc<AtomicBool>,
    cuts: watch::Sender<()>,
) {
    while let Ok((near, _)) = listener.accept().await {
        let cut = cuts.subscribe();
        // Asked after the subscription: a cut between the two is seen by one of them.
        if !is_cut.load(Ordering::SeqCst) {
            tokio::spawn(carry(near, server.clone(), cut));
        }
    }
}

/// Carries bytes both ways until either end, or a cut.
async fn carry(mut near: TcpStream, server: String, mut cut: watch::Receiver<()>) {
    let Ok(mut far) = TcpStream::connect(&server).await else { return };
    tokio::select! {
        // However it ends, both connections end with it, and both sides see that.
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = cut.changed() => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn nothing_passes_a_tunnel_that_is_cut_until_it_is_mended() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = server.local_addr().expect("an address");
        let tunnel = Tunnel::to(&format!("http://{address}")).await.expect("a tunnel");
        let enter = async || {
            let mut near = TcpStream::connect(("127.0.0.1", tunnel.port)).await.expect("a way in");
            near.write_all(b"a").await.map(|()| near)
        };

        let mut near = enter().await.expect("open");
        let (mut far, _) = server.accept().await.expect("it leads here");
        assert_eq!(far.read_u8().await.expect("a byte"), b'a');
        tunnel.cut();
        assert!(near.read_u8().await.is_err() && far.read_u8().await.is_err());

        if let Ok(mut refused) = enter().await {
            assert!(refused.read_u8().await.is_err());
        }
        tunnel.mend();
        let _near = enter().await.expect("open again");
        let (mut far, _) = server.accept().await.expect("it leads here");
        assert_eq!(far.read_u8().await.expect("a byte"), b'a');
    }
}
