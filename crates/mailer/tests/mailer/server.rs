//! The mail server of `tests/smtp-server`, as a process.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailer::{Smtp, TransportSettings};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time,
};
use xtask::node;

/// Nothing here takes so long, unless it never happens.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends when dropped, and with this process.
pub(crate) struct MailServer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) port: u16,
}

/// A mail that the server has.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) secure: bool,
    pub(crate) text: String,
}

impl MailServer {
    /// Takes everything, unless the recipient's name says otherwise.
    pub(crate) async fn start() -> Self {
        Self::start_with(&Value::Object(serde_json::Map::default())).await
    }

    /// With what `server.mjs` can be told.
    pub(crate) async fn start_with(options: &Value) -> Self {
        let mut child = Command::new("node")
            .arg("server.mjs")
            .arg(options.to_string())
            .current_dir(installed())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Node.js");
        let stdout = child.stdout.take().expect("it was piped");
        let mut server = Self { child, lines: BufReader::new(stdout).lines(), port: 0 };
        let port = server.next("port").await.as_u64().expect("a number");
        server.port = u16::try_from(port).expect("a port");
        server
    }

    pub(crate) fn transport(&self) -> TransportSettings {
        smtp(&format!("smtp://127.0.0.1:{}", self.port))
    }

    /// The next mail that it takes.
    pub(crate) async fn mail(&mut self) -> Taken {
        taken(&self.next("mail").await)
    }

    /// Waits until it tells of something of this name; what else it tells of is skipped.
    pub(crate) async fn next(&mut self, what: &str) -> Value {
        loop {
            let line = time::timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.expect("the server tells of it").expect("readable").expect("it runs");
            let mut lines: Value = serde_json::from_str(&line).expect("JSON");
            if let Some(value) = lines.get_mut(what) {
                return value.take();
            }
        }
    }

    /// Ends it, and says what it told that nobody asked for yet, each by its name.
    pub(crate) async fn end(mut self) -> Vec<(String, Value)> {
        drop(self.child.stdin.take());
        let mut lines = Vec::new();
        while let Some(line) = self.lines.next_line().await.expect("readable") {
            let line: serde_json::Map<String, Value> = serde_json::from_str(&line).expect("JSON");
            lines.extend(line);
        }
        time::timeout(PATIENCE, self.child.wait()).await.expect("it ends").expect("a child");
        lines
    }
}

pub(crate) fn smtp(url: &str) -> TransportSettings {
    TransportSettings::Smtp(Smtp { url: url.into(), plaintext_allowed: false, root_pem: None })
}

fn taken(mail: &Value) -> Taken {
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let text = STANDARD.decode(word(&mail["text"])).expect("base64");
    Taken {
        from: word(&mail["from"]),
        to: mail["to"].as_array().expect("a list").iter().map(word).collect(),
        secure: mail["secure"].as_bool().expect("yes or no"),
        text: String::from_utf8(text).expect("ASCII"),
    }
}

/// The folder, with what its lock file pins.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp-server");
        node::ensure_locked(&folder).expect("the mail server's packages");
        folder
    })
}
