//! The contract of every store, on PostgreSQL.

#[expect(dead_code, reason = "other tests use more of it")]
mod support;

use support::Scratch;

domain::store_contract!(fresh);

async fn fresh() -> Scratch {
    Scratch::new().await
}
