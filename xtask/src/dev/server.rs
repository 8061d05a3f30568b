//! The server under development, as a child of ours.

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use xtask::workspace;

use super::http;
use crate::{failure::Failure, interrupt::Interrupt, run::Running};

const READY_PATIENCE: Duration = Duration::from_secs(30);
/// How mail may leave otherwise; there is one way at a time.
const OTHER_MAIL: [&str; 4] = ["MAIL_SMTP_URL", "MAILGUN_API_KEY", "SENDING_KEY", "MAILGUN_DOMAIN"];
/// Nobody who tries things out waits for five minutes.
const MAIL_DELAY_MS: &str = "10000";

/// A running `messaging-server`.
#[derive(Debug)]
pub(super) struct Server {
    running: Running,
    port: u16,
    environment: Vec<(&'static str, String)>,
}

impl Server {
    pub(super) fn start(port: u16, database_url: &str, secret: &str) -> Result<Self, Failure> {
        let mut environment = vec![
            ("PORT", port.to_string()),
            ("DATABASE_URL", database_url.to_owned()),
            ("JWT_SECRET", secret.to_owned()),
            ("FILES_FOLDER", workspace::target().join("dev-files").display().to_string()),
        ];
        if env::var_os("DATABASE_URL").is_none() {
            // It goes with a database that was named, and not with a private one.
            environment.push(("DATABASE_DIRECT_URL", String::new()));
        }
        if env::var_os("LOG_FORMAT").is_none() {
            environment.push(("LOG_FORMAT", "human".to_owned()));
        }
        if OTHER_MAIL.iter().all(|name| env::var_os(name).is_none()) {
            environment.extend(kept_mail());
        }
        let running = Running::start(&mut command(&environment))?;
        Ok(Self { running, port, environment })
    }

    /// A further call of the same program with the same settings.
    pub(super) fn command(&self) -> Command {
        command(&self.environment)
    }

    /// Waits until it says that it can serve.
    pub(super) fn wait_until_ready(&mut self, stop: &Interrupt) -> Result<(), Failure> {
        let deadline = Instant::now() + READY_PATIENCE;
        stop.until(|| {
            self.check()?;
            // Nobody listens yet, or not to this: the same as "not ready".
            let ready = matches!(http::status(self.port, "/health/ready"), Ok(200));
            if !ready && Instant::now() > deadline {
                let seconds = READY_PATIENCE.as_secs();
                return Err(Failure::Other(format!("the server was not ready after {seconds} s")));
            }
            Ok(ready.then_some(()))
        })
    }

    /// Lets it serve until we are asked to stop, which is a success; its own end is none.
    pub(super) fn serve(&mut self, stop: &Interrupt) -> Result<(), Failure> {
        let ended = stop.until(|| self.check().map(|()| None::<()>));
        match ended {
            Err(Failure::Interrupted) => Ok(()),
            other => other,
        }
    }

    pub(super) fn stop(mut self) -> Result<(), Failure> {
        self.running.stop()
    }

    fn check(&mut self) -> Result<(), Failure> {
        match self.running.ended()? {
            None => Ok(()),
            Some(status) => Err(Failure::Other(format!("the server ended by itself: {status}"))),
        }
    }
}

/// Mail is kept, and shown at `/dev/mails`.
fn kept_mail() -> Vec<(&'static str, String)> {
    let folder = workspace::target().join("dev-mails").display().to_string();
    let usual = [
        ("MAIL_DEV_FOLDER", folder),
        ("MAIL_FROM", "noreply@salon.example".to_owned()),
        ("MAIL_DELAY_MS", MAIL_DELAY_MS.to_owned()),
    ];
    usual.into_iter().filter(|(name, _)| env::var_os(name).is_none()).collect()
}

fn command(environment: &[(&'static str, String)]) -> Command {
    let mut command = Command::new(workspace::target().join("debug/messaging-server"));
    command.current_dir(workspace::root());
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}
