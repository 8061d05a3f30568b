//! `cargo xtask dev`: a development server with a database and demo data.

mod database;
mod demo;
mod secret;
mod server;
mod welcome;

use std::{env, net::TcpListener, process::Command};

use demo::Demo;
use server::Server;
use xtask::workspace;

use crate::{failure::Failure, interrupt::Interrupt, run};

const DEFAULT_PORT: u16 = 3000;

/// Starts database and server, fills in the demo, and serves until Ctrl-C; with `--once`, until one
/// conversation went from end to end.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    let once = match arguments {
        [] => false,
        [flag] if flag == "--once" => true,
        _ => return Err(Failure::Usage("`dev` takes nothing but --once".into())),
    };
    let port = port(once)?;
    let database = database::while_building(once, stop)?;
    let mut server = Server::start(port, database.url(), &secret::of_tokens()?)?;
    server.wait_until_ready(stop)?;
    let demo = Demo::seed(&server)?;
    welcome::print(port, &demo);

    let outcome = if once { converse(port, &demo, stop) } else { server.serve(stop) };
    // Before its database, so that it logs no errors.
    server.stop()?;
    database.stop()?;
    outcome
}

// `--once` runs beside a server that has the usual port.
fn port(once: bool) -> Result<u16, Failure> {
    let port = match env::var("PORT") {
        Ok(text) => text
            .parse()
            .map_err(|_| Failure::Other(format!("PORT is `{text}`, which is not a port")))?,
        Err(_) if once => 0,
        Err(_) => DEFAULT_PORT,
    };
    TcpListener::bind(("127.0.0.1", port))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| {
            Failure::Other(format!(
                "port {port} cannot be used ({error}); choose another: PORT=3001"
            ))
        })
}

fn converse(port: u16, demo: &Demo, stop: &Interrupt) -> Result<(), Failure> {
    let mut journey = Command::new(workspace::target().join("debug/journey"));
    journey
        .args(["--url", &format!("http://127.0.0.1:{port}")])
        .args(["--salon-token", &demo.salon_token])
        .args(["--client-token", &demo.client_token])
        .args(["--service-token", &demo.service_token]);
    run::to_end(&mut journey, stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_but_once_is_a_wrong_call() {
        let call = ["--twice".to_owned()];
        assert!(matches!(run(&call, &Interrupt::never()), Err(Failure::Usage(_))));
    }
}
