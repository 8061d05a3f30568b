//! Prints the specification of the internal API:
//! `cargo run -p api --example openapi_internal > docs/openapi-internal.json`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(api::openapi_internal_json().as_bytes())
}
