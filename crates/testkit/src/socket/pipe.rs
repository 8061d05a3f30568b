//! The TCP connection below a WebSocket.

use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use crate::Fault;

/// What the system may receive on a narrow connection before its owner reads; it takes about double.
const NARROW_BYTES: u32 = 4_096;
/// The segments of a network. Those within one machine are so long that the sender's system holds some
/// megabytes for each connection.
const SEGMENT_BYTES: u32 = 1_400;

/// Connects to the server of a `ws://address:port/…` URL. On a narrow connection the system keeps
/// little for a client that does not read, on either side, so that the server soon notices.
pub(super) async fn open(url: &str, narrow: bool) -> Result<TcpStream, Fault> {
    let address = address(url)?;
    let socket = TcpSocket::new_v4().map_err(Fault::while_doing("make a TCP socket"))?;
    if narrow {
        socket
            .set_recv_buffer_size(NARROW_BYTES)
            .and_then(|()| SockRef::from(&socket).set_tcp_mss(SEGMENT_BYTES))
            .map_err(Fault::while_doing("narrow a TCP socket"))?;
    }
    let stream = socket.connect(address).await.map_err(Fault::while_doing("connect"))?;
    stream.set_nodelay(true).map_err(Fault::while_doing("send at once"))?;
    Ok(stream)
}

fn address(url: &str) -> Result<SocketAddr, Fault> {
    let rest = url.strip_prefix("ws://").unwrap_or(url);
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    authority.parse().map_err(Fault::while_doing(format!("read the address in {url}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_url() {
        let address = address("ws://127.0.0.1:80/socket.io/?EIO=4").expect("an address");
        assert_eq!(address, SocketAddr::from(([127, 0, 0, 1], 80)));
    }
}
