//! One question over HTTP/1.1 (RFC 9112): how is it going?

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// A server on this machine that takes longer is not ready.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The status of `GET path` on this machine.
pub(super) fn status(port: u16, path: &str) -> io::Result<u16> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut first = String::new();
    BufReader::new(stream).read_line(&mut first)?;
    status_in(&first).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn status_in(line: &str) -> Option<u16> {
    line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpListener, thread};

    use super::*;

    #[test]
    fn the_status_of_an_answer_is_read() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 512];
            let length = stream.read(&mut request).expect("a request");
            stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").expect("an answer");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        assert_eq!(status(port, "/health/ready").expect("an answer"), 503);
        let request = server.join().expect("a server");
        assert!(request.starts_with("GET /health/ready HTTP/1.1\r\n"), "{request}");
    }

    #[test]
    fn what_is_not_http_has_no_status() {
        assert_eq!(status_in("HTTP/1.1 200 OK\r\n"), Some(200));
        assert_eq!(status_in("HTTP/1.1 200\r\n"), Some(200));
        assert_eq!(status_in("SSH-2.0-x\r\n"), None);
        assert_eq!(status_in(""), None);
    }
}
