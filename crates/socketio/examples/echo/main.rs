//! The echo application of the public protocol checks, with the settings they assume:
//! `cargo run -p socketio --example echo`, then point them at port 3000.

mod app;

use actix_web::{App, HttpServer};
use socketio::Config;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let server = app::server(Config {
        ping_interval_ms: 300,
        ping_timeout_ms: 200,
        connect_timeout_ms: 1_000,
        ..Config::default()
    });
    HttpServer::new(move || {
        let server = server.clone();
        App::new().configure(move |app| server.configure("/socket.io/", app))
    })
    .bind(("localhost", 3000))?
    .run()
    .await
}
