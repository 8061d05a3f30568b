//! Names nobody used before.

use uuid::Uuid;

/// A name that starts with `prefix` and is new on every call, on every run.
#[expect(
    clippy::disallowed_methods,
    reason = "the test kit is outside the service, whose ports it cannot reach"
)]
pub fn id(prefix: &str) -> String {
    format!("{prefix}-{}", Uuid::now_v7().simple())
}
