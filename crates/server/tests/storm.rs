//! A small resume storm (G6); `cargo xtask bench storm` raises the big one.

use std::time::Duration;

use testkit::{
    Fault,
    resume_load::{Plan, rage},
    stage::Stage,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
/// Of a thousand returns, at least so many must be recovered.
const RECOVERED_PER_MILLE_MIN: usize = 990;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_storm_every_screen_equals_a_fresh_snapshot() -> Result<(), Fault> {
    let plan = Plan {
        clients: 50,
        messages_per_second: 40,
        restarts: 3,
        calm: Duration::from_secs(4),
        cut_after_max: Duration::from_secs(4),
    };
    let mut stage = Stage::set(SERVER).await?;
    let outcome = rage(&plan, &mut stage.server).await?;
    println!("{outcome}");
    assert_eq!(outcome.clients, plan.clients);
    assert!(outcome.returns > plan.clients, "too calm: {outcome}");
    assert!(
        outcome.shown_read > 0 && outcome.shown_unread > 0,
        "read marks prove nothing: {outcome}"
    );
    assert_eq!(outcome.refused, 0, "{outcome}");
    assert!(outcome.recovered_per_mille() > RECOVERED_PER_MILLE_MIN, "{outcome}");
    Ok(())
}
