//! A test mail server as a separate process, and the mails it accepts.

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

/// An SMTP server on a local port. Stops when dropped, and when this process ends.
#[derive(Debug)]
pub struct MailServer {
    lines: mpsc::UnboundedReceiver<String>,
    port: u64,
    _open: ChildStdin,
    child: Child,
}

impl MailServer {
    /// Starts one that accepts everything, except what the recipient's name tells it to refuse.
    ///
    /// # Errors
    /// When Node.js or the locked packages are missing.
    pub async fn start() -> Result<Self, Fault> {
        Self::start_with(&json!({})).await
    }

    /// Starts one that refuses this percentage of mails temporarily.
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
            .current_dir(installed_program()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Fault::while_doing("start a mail server"))?;
        let (Some(stdout), Some(open)) = (child.stdout.take(), child.stdin.take()) else {
            return Err(Fault::new("the mail server has no pipes"));
        };
        let mut server = Self { lines: listen(stdout), port: 0, _open: open, child };
        let port = within("the mail server's port", server.next("port")).await??;
        server.port = port.as_u64().ok_or_else(|| Fault::new("no port"))?;
        Ok(server)
    }

    /// Kills it.
    ///
    /// # Errors
    /// When its process cannot be killed.
    pub async fn stop(&mut self) -> Result<(), Fault> {
        let failed = Fault::while_doing("end the mail server");
        match self.child.try_wait() {
            Ok(Some(_)) => Ok(()),
            Ok(None) => self.child.kill().await.map_err(failed),
            Err(cause) => Err(failed(cause)),
        }
    }

    /// Replaces it by one on the same port that accepts every mail, whatever the recipient's name.
    /// Unread mails are lost.
    ///
    /// # Errors
    /// See [`start`](Self::start) and [`stop`](Self::stop).
    pub async fn take_everything(&mut self) -> Result<(), Fault> {
        self.stop().await?;
        *self = Self::start_with(&json!({ "port": self.port, "lenient": true })).await?;
        Ok(())
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Waits for the next mail.
    ///
    /// # Errors
    /// When none arrives in time.
    pub async fn mail(&mut self) -> Result<Email, Fault> {
        let mail = within("a mail", self.next("mail")).await??;
        Email::parse(&mail)
    }

    /// Waits for the next mail, which must be for this address.
    ///
    /// # Errors
    /// When it is for another, or none arrives in time.
    pub async fn mail_to(&mut self, address: &str) -> Result<Email, Fault> {
        let mail = self.mail().await?;
        same("the recipient of a mail", mail.to.as_str(), address)?;
        Ok(mail)
    }

    /// Takes all unread mails, without waiting.
    ///
    /// # Errors
    /// When one cannot be parsed.
    pub fn arrived(&mut self) -> Result<Vec<Email>, Fault> {
        let mut mails = Vec::new();
        while let Ok(line) = self.lines.try_recv() {
            if let Some(mail) = value(&line, "mail")? {
                mails.push(Email::parse(&mail)?);
            }
        }
        Ok(mails)
    }

    /// Waits for the next output line with this key; other lines are skipped.
    async fn next(&mut self, what: &str) -> Result<Value, Fault> {
        loop {
            let line = self.lines.recv().await;
            let line = line.ok_or_else(|| Fault::new("the mail server is gone"))?;
            if let Some(value) = value(&line, what)? {
                return Ok(value);
            }
        }
    }
}

/// Reads the output continuously: a mail server blocks when its pipe is full.
fn listen(stdout: ChildStdout) -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdout).lines();
        // Ends with the mail server, or when the receiver is dropped.
        while let Ok(Some(line)) = lines.next_line().await {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// The value of this key in an output line.
fn value(line: &str, what: &str) -> Result<Option<Value>, Fault> {
    let lines: Result<Value, _> = serde_json::from_str(line);
    let mut lines = lines.map_err(Fault::while_doing("parse the output of the mail server"))?;
    Ok(lines.get_mut(what).map(Value::take))
}

/// The program's folder, after its locked packages are installed.
fn installed_program() -> Result<PathBuf, Fault> {
    let folder = workspace::root().join("crates/mailer/tests/smtp-server");
    node::ensure_locked(&folder).map_err(Fault::while_doing("install the mail server"))?;
    Ok(folder)
}

// Mail in the database: waiting for it, and shifting its times so that no test waits an hour.

/// Waits until no mail is pending or being sent.
///
/// # Errors
/// When some still is after the timeout.
pub async fn all_settled(database: &Database) -> Result<(), Fault> {
    let left = "SELECT (SELECT count(*) FROM messaging.pending_mail)
        + (SELECT count(*) FROM messaging.mail WHERE NOT is_closed)
        + (SELECT count(*) FROM messaging.job WHERE kind = 'send_mail')";
    until_none(database, "every mail settled", left).await
}

/// Waits until all pending mail is deferred.
///
/// # Errors
/// When some is not after the timeout.
pub async fn all_put_off(database: &Database) -> Result<(), Fault> {
    let left = "SELECT (SELECT count(*) FROM messaging.pending_mail WHERE wait_until IS NULL)
        + (SELECT count(*) FROM messaging.mail WHERE NOT is_closed)
        + (SELECT count(*) FROM messaging.job WHERE kind = 'send_mail')";
    until_none(database, "every mail deferred", left).await
}

/// Simulates the passing of an hour: moves all stored times of mail an hour back.
///
/// # Errors
/// When the update fails.
pub async fn an_hour_passes(database: &Database) -> Result<(), Fault> {
    shift_times(database, "1 hour").await
}

/// Simulates the passing of a day for mail.
///
/// # Errors
/// See [`an_hour_passes`].
pub async fn a_day_passes(database: &Database) -> Result<(), Fault> {
    shift_times(database, "24 hours").await
}

async fn shift_times(database: &Database, time: &str) -> Result<(), Fault> {
    let sql = format!(
        "BEGIN;
        UPDATE messaging.pending_mail
        SET since = since - interval '{time}', wait_until = wait_until - interval '{time}';
        UPDATE messaging.mailed_conversation SET at = at - interval '{time}';
        UPDATE messaging.mail SET at = at - interval '{time}';
        COMMIT"
    );
    let moved = database.client().await?.batch_execute(&sql).await;
    moved.map_err(Fault::while_doing("shift the times of mail"))
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

/// An accepted mail. `Debug` shows all of it, for failed tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// The recipient.
    pub to: String,
    /// Header and body as sent.
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

    /// A header field, unfolded; empty when it is missing.
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

    /// Whether it contains this ASCII text, ignoring soft line breaks of quoted-printable (RFC 2045,
    /// 6.7).
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
        let email = Email::parse(&mail).expect("a mail");
        assert_eq!(email.header("Subject"), "one two");
        assert_eq!(email.header("Message-ID"), "<a@b>");
        assert_eq!(email.header("X-Body"), "");
        assert!(email.says("softbreak") && email.to == "lea@example.org");
    }
}
