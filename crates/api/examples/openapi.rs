//! Prints the specification of the REST API: `cargo run -p api --example openapi > docs/openapi.json`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(api::openapi_json().as_bytes())
}
