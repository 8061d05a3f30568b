//! A WebSocket client that reads and writes raw frames, and can compress.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{TIMEOUT, TestServer};

const KEY: [u8; 4] = [1, 2, 3, 4];

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The flags and the opcode.
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct FrameClient {
    stream: TcpStream,
    /// The server's response to the handshake.
    pub(crate) response: String,
}

impl FrameClient {
    /// Opens a session with `offer` as its extensions, and reads the OPEN packet.
    pub(crate) async fn open(server: &TestServer, offer: &str) -> Self {
        let mut stream = TcpStream::connect(server.address).await.expect("a connection");
        let request = format!(
            "GET {}?EIO=4&transport=websocket HTTP/1.1\r\nhost: localhost\r\n\
             connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-extensions: {offer}\r\n\r\n",
            server.path
        );
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut response = Vec::new();
        while !response.ends_with(b"\r\n\r\n") {
            response.push(stream.read_u8().await.expect("an answer"));
        }
        let response = String::from_utf8(response).expect("text").to_ascii_lowercase();
        let mut client = Self { stream, response };
        assert!(client.receive().await.payload.starts_with(b"0{"));
        client
    }

    /// Sends one frame, masked as clients do.
    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut bytes = vec![first, 0x80 | 127];
        bytes.extend((payload.len() as u64).to_be_bytes());
        bytes.extend(KEY);
        bytes.extend(payload.iter().zip(KEY.into_iter().cycle()).map(|(byte, key)| byte ^ key));
        self.stream.write_all(&bytes).await.expect("written");
    }

    pub(crate) async fn receive(&mut self) -> Frame {
        timeout(TIMEOUT, self.read()).await.expect("a frame in time")
    }

    async fn read(&mut self) -> Frame {
        let stream = &mut self.stream;
        let first = stream.read_u8().await.expect("a frame");
        let length = match stream.read_u8().await.expect("a length") {
            126 => u64::from(stream.read_u16().await.expect("a length")),
            127 => stream.read_u64().await.expect("a length"),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).expect("not too long")];
        stream.read_exact(&mut payload).await.expect("a payload");
        Frame { first, payload }
    }
}

pub(crate) fn deflate(message: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(message.len() + 1_000);
    Compress::new(Compression::default(), false)
        .compress_vec(message, &mut output, FlushCompress::Sync)
        .expect("compressed");
    output.strip_suffix(&[0, 0, 0xFF, 0xFF]).expect("flushed").to_vec()
}

pub(crate) fn inflate(message: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(1_000_000);
    let message = [message, &[0, 0, 0xFF, 0xFF]].concat();
    Decompress::new(false)
        .decompress_vec(&message, &mut output, FlushDecompress::Sync)
        .expect("inflated");
    output
}
