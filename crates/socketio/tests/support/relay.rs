//! A relay for clients without compression: deflates what they send and inflates what they receive.

use std::net::SocketAddr;

use actix_web::rt;
use tokio::{
    io::{self, AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::frames::{deflate, inflate};

const OFFER: &str = "sec-websocket-extensions: permessage-deflate\r\n\r\n";
const ACCEPTED: &str = "sec-websocket-extensions: permessage-deflate";
/// Whole messages that are not compressed, text and binary.
const WHOLE: [u8; 2] = [0x81, 0x82];
const COMPRESSED: u8 = 0x40;
const MASKED: u8 = 0x80;

/// One frame.
struct Frame {
    first: u8,
    mask: Option<[u8; 4]>,
    payload: Vec<u8>,
}

/// Accepts one connection and relays it to `server`. Returns the address it listens on.
pub(crate) async fn start(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    rt::spawn(async move {
        let (client, _) = listener.accept().await.expect("a client");
        let server = TcpStream::connect(server).await.expect("the server listens");
        // Either side may disconnect at any time; the other is then disconnected too.
        relay(client, server).await.ok();
    });
    address
}

async fn relay(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let request = head(&mut from_client).await?;
    let request = request.trim_end_matches("\r\n");
    to_server.write_all(format!("{request}\r\n{OFFER}").as_bytes()).await?;
    let answer = head(&mut from_server).await?;
    let (extension, others): (Vec<_>, Vec<_>) = answer
        .split_inclusive("\r\n")
        .partition(|it| it.to_ascii_lowercase().starts_with(ACCEPTED));
    // Without the extension nothing would be compressed, so the client gets no response.
    let is_open = answer.starts_with("HTTP/1.1 101") && !extension.is_empty();
    if is_open {
        to_client.write_all(others.concat().as_bytes()).await?;
        rt::spawn(async move { pass(from_client, to_server, compressed).await });
        pass(from_server, to_client, inflated).await?;
    }
    Ok(())
}

/// Everything up to the empty line.
async fn head(stream: &mut OwnedReadHalf) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

/// Passes on frame after frame, each changed by `transform`.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    transform: fn(Frame) -> Frame,
) -> io::Result<()> {
    loop {
        let frame = transform(Frame::read(&mut from).await?);
        to.write_all(&frame.bytes()).await?;
    }
}

fn compressed(mut frame: Frame) -> Frame {
    if WHOLE.contains(&frame.first) {
        frame.first |= COMPRESSED;
        frame.payload = deflate(&frame.payload);
    }
    frame
}

fn inflated(mut frame: Frame) -> Frame {
    if frame.first & COMPRESSED != 0 {
        frame.first &= !COMPRESSED;
        frame.payload = inflate(&frame.payload);
    }
    frame
}

impl Frame {
    async fn read(from: &mut OwnedReadHalf) -> io::Result<Self> {
        let first = from.read_u8().await?;
        let second = from.read_u8().await?;
        let length = match second & !MASKED {
            126 => u64::from(from.read_u16().await?),
            127 => from.read_u64().await?,
            short => u64::from(short),
        };
        let mut mask = [0; 4];
        let is_masked = second & MASKED != 0;
        if is_masked {
            from.read_exact(&mut mask).await?;
        }
        let mut payload = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        from.read_exact(&mut payload).await?;
        let mask = is_masked.then_some(mask);
        Ok(Self { first, payload: masked(&payload, mask), mask })
    }

    fn bytes(&self) -> Vec<u8> {
        let masking = if self.mask.is_some() { MASKED } else { 0 };
        let mut bytes = vec![self.first, masking | 127];
        bytes.extend((self.payload.len() as u64).to_be_bytes());
        bytes.extend(self.mask.into_iter().flatten());
        bytes.extend(masked(&self.payload, self.mask));
        bytes
    }
}

fn masked(payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let key = mask.unwrap_or_default();
    payload.iter().zip(key.into_iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}
