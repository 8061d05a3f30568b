//! A WebSocket client that reads and writes frames by hand, and can do compression.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{PATIENCE, Running};

const KEY: [u8; 4] = [1, 2, 3, 4];

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The flags and the opcode.
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct Framed {
    stream: TcpStream,
    /// What the server answered to the handshake.
    pub(crate) answer: String,
}

impl Framed {
    /// Opens a session with `offer` as its extensions, past the opening.
    pub(crate) async fn open(server: &Running, offer: &str) -> Self {
        let mut stream = TcpStream::connect(server.address).await.expect("a connection");
        let request = format!(
            "GET {}?EIO=4&transport=websocket HTTP/1.1\r\nhost: localhost\r\n\
             connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-extensions: {offer}\r\n\r\n",
            server.path
        );
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.expect("an answer"));
        }
        let answer = String::from_utf8(answer).expect("text").to_ascii_lowercase();
        let mut framed = Self { stream, answer };
        assert!(framed.hear().await.payload.starts_with(b"0{"));
        framed
    }

    /// Sends one frame, masked as clients do.
    pub(crate) async fn say(&mut self, first: u8, payload: &[u8]) {
        let mut bytes = vec![first, 0x80 | 127];
        bytes.extend((payload.len() as u64).to_be_bytes());
        bytes.extend(KEY);
        bytes.extend(payload.iter().zip(KEY.into_iter().cycle()).map(|(byte, key)| byte ^ key));
        self.stream.write_all(&bytes).await.expect("written");
    }

    pub(crate) async fn hear(&mut self) -> Frame {
        timeout(PATIENCE, self.read()).await.expect("a frame in time")
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
