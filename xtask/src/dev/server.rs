//! The development server, as a child process.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use xtask::workspace;

use crate::{failure::Failure, interrupt::Interrupt, run::Running};

const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// The variables of other mail transports, of which only one may be configured.
const OTHER_MAIL: [&str; 4] = ["MAIL_SMTP_URL", "MAILGUN_API_KEY", "SENDING_KEY", "MAILGUN_DOMAIN"];
/// Shorter than the default of five minutes.
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
        if env::var_os("NODE_ENV").is_none() {
            environment.push(("NODE_ENV", "development".to_owned()));
        }
        if env::var_os("LOG_FORMAT").is_none() {
            environment.push(("LOG_FORMAT", "human".to_owned()));
        }
        if OTHER_MAIL.iter().all(|name| env::var_os(name).is_none()) {
            environment.extend(mail_folder());
        }
        let running = Running::start(&mut command(&environment))?;
        Ok(Self { running, port, environment })
    }

    /// A command of the same program with the same settings.
    pub(super) fn command(&self) -> Command {
        command(&self.environment)
    }

    /// Waits until it is ready.
    pub(super) fn wait_until_ready(&mut self, stop: &Interrupt) -> Result<(), Failure> {
        let deadline = Instant::now() + READY_TIMEOUT;
        stop.until(|| {
            self.check()?;
            // Nobody listens yet, or not to this: the same as "not ready".
            let ready = matches!(status(self.port, "/health/ready"), Ok(200));
            if !ready && Instant::now() > deadline {
                let seconds = READY_TIMEOUT.as_secs();
                return Err(Failure::Other(format!("the server was not ready after {seconds} s")));
            }
            Ok(ready.then_some(()))
        })
    }

    /// Waits for an interrupt, which is a success; if the server ends by itself, that is a failure.
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

/// Mail is stored in a folder, and shown under `/dev/mails`.
fn mail_folder() -> Vec<(&'static str, String)> {
    let folder = workspace::target().join("dev-mails").display().to_string();
    let defaults = [
        ("MAIL_DEV_FOLDER", folder),
        ("MAIL_FROM", "noreply@salon.example".to_owned()),
        ("MAIL_DELAY_MS", MAIL_DELAY_MS.to_owned()),
    ];
    defaults.into_iter().filter(|(name, _)| env::var_os(name).is_none()).collect()
}

fn command(environment: &[(&'static str, String)]) -> Command {
    let mut command = Command::new(workspace::target().join("debug/messaging-server"));
    command.current_dir(workspace::root());
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

// A readiness probe over HTTP/1.1 (RFC 9112).

/// A server that takes longer is not ready.
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
