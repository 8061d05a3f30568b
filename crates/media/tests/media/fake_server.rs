//! An HTTP server with configured answers, which records the requests.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReceivedRequest {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl ReceivedRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }
}

type Answer = dyn Fn(&ReceivedRequest) -> (u16, String) + Send + Sync;

pub(crate) struct FakeServer {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<ReceivedRequest>>>,
}

impl FakeServer {
    pub(crate) async fn answering(
        answer: impl Fn(&ReceivedRequest) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let received = asked.clone();
        let answer: Arc<Answer> = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, received.clone(), answer.clone()));
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<ReceivedRequest> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

/// One request and one answer.
async fn serve(socket: TcpStream, received: Arc<Mutex<Vec<ReceivedRequest>>>, answer: Arc<Answer>) {
    let mut socket = BufReader::new(socket);
    let asked = read(&mut socket).await;
    let (status, body) = answer(&asked);
    received.lock().expect("nobody panicked").push(asked);
    let len = body.len();
    let beginning =
        format!("HTTP/1.1 {status} -\r\ncontent-length: {len}\r\nconnection: close\r\n");
    let answer = format!("{beginning}location: http://127.0.0.1:1/\r\n\r\n{body}");
    socket.write_all(answer.as_bytes()).await.expect("the other side listens");
}

async fn read(socket: &mut BufReader<TcpStream>) -> ReceivedRequest {
    let mut asked = ReceivedRequest::default();
    socket.read_line(&mut asked.line).await.expect("a request");
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await.expect("a request");
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        asked.headers.push((name.to_lowercase(), value.to_owned()));
    }
    let len = asked.header("content-length").map_or(0, |len| len.parse().expect("a number"));
    asked.body = vec![0; len];
    socket.read_exact(&mut asked.body).await.expect("a body");
    asked
}
