//! A mail server as a process, and the mails that it takes.

use std::{path::PathBuf, process::Stdio};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
};
use xtask::{node, workspace};

use crate::{
    Fault,
    database::Database,
    fault::same,
    wait::{self, within},
};

/// Takes mail on a port of this machine. Ends when dropped, and with this process.
#[derive(Debug)]
pub struct MailServer {
    told: mpsc::UnboundedReceiver<String>,
    port: u64,
    _open: ChildStdin,
    child: Child,
}

impl MailServer {
    /// One that takes everything, unless the recipient's name says otherwise.
    ///
    /// # Errors
    /// When Node.js or the packages that the lock file names are missing.
    pub async fn start() -> Result<Self, Fault> {
        Self::start_with(&json!({})).await
    }

    /// One that refuses for now every so many in a hundred mails.
    ///
    /// # Errors
    /// See [`start`](Self::start).
    pub async fn flaky(fail_percent: u32) -> Result<Self, Fault> {
        Self::start_with(&json!({ "failPercent": fail_percent, "seed": 7 })).await
    }

    async fn start_with(options: &Value) -> Result<Self, Fault> {
        let mut child = Command::new("node")
            .arg("server.mjs")
            .arg(options.to_string())
            .current_dir(installed()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Fault::while_doing("start a mail server"))?;
        let (Some(stdout), Some(open)) = (child.stdout.take(), child.stdin.take()) else {
            return Err(Fault::new("the mail server has no pipes"));
        };
        let mut server = Self { told: listen(stdout), port: 0, _open: open, child };
        let port = within("the mail server's port", server.next("port")).await??;
        server.port = port.as_u64().ok_or_else(|| Fault::new("no port"))?;
        Ok(server)
    }

    /// Ends it at once, whatever it is doing.
    ///
    /// # Errors
    /// When its process cannot be ended.
    pub async fn stop(&mut self) -> Result<(), Fault> {
        let failed = Fault::while_doing("end the mail server");
        match self.child.try_wait() {
            Ok(Some(_)) => Ok(()),
            Ok(None) => self.child.kill().await.map_err(failed),
            Err(cause) => Err(failed(cause)),
        }
    }

    /// Puts another in its place, at the same port, that takes every mail whatever the recipient's
    /// name. What the first took and nobody asked for is forgotten.
    ///
    /// # Errors
    /// See [`start`](Self::start) and [`stop`](Self::stop).
    pub async fn take_everything(&mut self) -> Result<(), Fault> {
        self.stop().await?;
        *self = Self::start_with(&json!({ "port": self.port, "lenient": true })).await?;
        Ok(())
    }

    /// Where it takes mail.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// The next mail that it takes.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn mail(&mut self) -> Result<Email, Fault> {
        let mail = within("a mail", self.next("mail")).await??;
        Email::parse(&mail)
    }

    /// The next mail is for this address.
    ///
    /// # Errors
    /// When it is for another, or there is none in time.
    pub async fn mail_to(&mut self, address: &str) -> Result<Email, Fault> {
        let mail = self.mail().await?;
        same("the recipient of a mail", mail.to.as_str(), address)?;
        Ok(mail)
    }

    /// Every mail that it took and that was not read yet; waits for none.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub fn arrived(&mut self) -> Result<Vec<Email>, Fault> {
        let mut mails = Vec::new();
        while let Ok(line) = self.told.try_recv() {
            if let Some(mail) = value(&line, "mail")? {
                mails.push(Email::parse(&mail)?);
            }
        }
        Ok(mails)
    }

    /// Waits until it tells of something of this name; what else it tells of is skipped.
    async fn next(&mut self, what: &str) -> Result<Value, Fault> {
        loop {
            let line = self.told.recv().await;
            let line = line.ok_or_else(|| Fault::new("the mail server is gone"))?;
            if let Some(value) = value(&line, what)? {
                return Ok(value);
            }
        }
    }
}

/// Reads all the time: a mail server whose pipe is full takes no more mail.
fn listen(stdout: ChildStdout) -> mpsc::UnboundedReceiver<String> {
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdout).lines();
        // It ends with the mail server, or when nobody listens any more.
        while let Ok(Some(line)) = lines.next_line().await {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    told
}

/// What a line says of a thing of this name.
fn value(line: &str, what: &str) -> Result<Option<Value>, Fault> {
    let told: Result<Value, _> = serde_json::from_str(line);
    let mut told = told.map_err(Fault::while_doing("understand the mail server"))?;
    Ok(told.get_mut(what).map(Value::take))
}

/// The program's folder, with what its lock file pins.
fn installed() -> Result<PathBuf, Fault> {
    let folder = workspace::root().join("crates/mailer/tests/smtp-server");
    node::ensure_locked(&folder).map_err(Fault::while_doing("install the mail server"))?;
    Ok(folder)
}

// What the database says of mail, which no test waits an hour for.

/// Waits until no mail waits and none is under way.
///
/// # Errors
/// When some does all the time.
pub async fn all_settled(database: &Database) -> Result<(), Fault> {
    let left = "SELECT (SELECT count(*) FROM messaging.pending_mail)
        + (SELECT count(*) FROM messaging.mail WHERE NOT is_closed)
        + (SELECT count(*) FROM messaging.job WHERE kind = 'send_mail')";
    until_none(database, "every mail settled", left).await
}

/// Waits until all pending mail is deferred.
///
/// # Errors
/// When something never is.
pub async fn all_put_off(database: &Database) -> Result<(), Fault> {
    let left = "SELECT (SELECT count(*) FROM messaging.pending_mail WHERE wait_until IS NULL)
        + (SELECT count(*) FROM messaging.mail WHERE NOT is_closed)
        + (SELECT count(*) FROM messaging.job WHERE kind = 'send_mail')";
    until_none(database, "every mail put off", left).await
}

/// For mail an hour passes at once: everything that it remembers happened an hour earlier.
///
/// # Errors
/// When the database does not take it.
pub async fn an_hour_passes(database: &Database) -> Result<(), Fault> {
    pass(database, "1 hour").await
}

/// For mail a day passes at once.
///
/// # Errors
/// See [`an_hour_passes`].
pub async fn a_day_passes(database: &Database) -> Result<(), Fault> {
    pass(database, "24 hours").await
}

async fn pass(database: &Database, time: &str) -> Result<(), Fault> {
    let earlier = format!(
        "BEGIN;
        UPDATE messaging.pending_mail
        SET since = since - interval '{time}', wait_until = wait_until - interval '{time}';
        UPDATE messaging.mailed_conversation SET at = at - interval '{time}';
        UPDATE messaging.mail SET at = at - interval '{time}';
        COMMIT"
    );
    let moved = database.client().await?.batch_execute(&earlier).await;
    moved.map_err(Fault::while_doing("let time pass"))
}

async fn until_none(database: &Database, what: &str, count: &str) -> Result<(), Fault> {
    let client = database.client().await?;
    wait::until(what, async || {
        let row = client.query_one(count, &[]).await;
        let row = row.map_err(Fault::while_doing("count the mails that are left"))?;
        Ok((row.get::<_, i64>(0) == 0).then_some(()))
    })
    .await
}

/// A mail that a mail server took. Its `Debug` is for failed tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Whom it is for.
    pub to: String,
    /// Everything, header and body, as it was sent.
    pub source: String,
}

impl Email {
    fn parse(mail: &Value) -> Result<Self, Fault> {
        let to = mail["to"][0].as_str().map(str::to_owned);
        let source = mail["text"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        let source = source.and_then(|bytes| String::from_utf8(bytes).ok());
        match (to, source) {
            (Some(to), Some(source)) => Ok(Self { to, source }),
            _ => Err(Fault::new("a mail that cannot be read")),
        }
    }

    /// A line of the header, its continuations taken along; empty when there is none.
    pub fn header(&self, name: &str) -> String {
        let head = self.source.split("\r\n\r\n").next().unwrap_or_default();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let is_named = |line: &&str| {
            line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        };
        let line = unfolded.lines().find(is_named);
        let value = line.and_then(|line| line.split_once(':'));
        value.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }

    /// Whether these ASCII words are in it, as quoted-printable has them (RFC 2045, 6.7).
    pub fn says(&self, words: &str) -> bool {
        self.source.replace("=\r\n", "").contains(words)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_header_is_found_whole_and_only_above_the_body() {
        let source =
            "Subject: one\r\n two\r\nmessage-id: <a@b>\r\n\r\nX-Body: no\r\nsoft=\r\nbreak";
        let mail = json!({ "to": ["lea@example.org"], "text": BASE64_STANDARD.encode(source) });
        let letter = Email::parse(&mail).expect("a mail");
        assert_eq!(letter.header("Subject"), "one two");
        assert_eq!(letter.header("Message-ID"), "<a@b>");
        assert_eq!(letter.header("X-Body"), "");
        assert!(letter.says("softbreak") && letter.to == "lea@example.org");
    }
}
