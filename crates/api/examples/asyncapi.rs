//! Prints the specification of the socket API: `cargo run -p api --example asyncapi > docs/asyncapi.json`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(api::asyncapi_json().as_bytes())
}
