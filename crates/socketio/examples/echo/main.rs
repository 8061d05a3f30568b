//! The echo applications of the public protocol tests, with the settings they assume:
//! `cargo run -p socketio --example echo`, then point the tests at port 3000. Arguments: another
//! address, then optionally `compression`.

mod app;
mod bare;

use actix_web::{App, HttpServer};
use socketio::Config;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "localhost:3000".to_owned());
    let config = Config {
        ping_interval_ms: 300,
        ping_timeout_ms: 200,
        connect_timeout_ms: 1_000,
        compression: arguments.next().is_some_and(|word| word == "compression"),
        ..Config::default()
    };
    let (engine, server) = (bare::server(config.clone()), app::server(config));
    HttpServer::new(move || {
        let (engine, server) = (engine.clone(), server.clone());
        App::new()
            .configure(move |app| engine.configure("/engine.io/", app))
            .configure(move |app| server.configure("/socket.io/", app))
    })
    .bind(address)?
    .run()
    .await
}
