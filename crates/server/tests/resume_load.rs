//! Many reconnecting clients on a server that is killed (G6); `cargo xtask bench resume-load` runs many more.

use std::time::Duration;

use testkit::{
    Fault,
    resume_load::{Plan, run},
    test_app::TestApp,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
/// Of a thousand returns, at least so many must be recovered.
const RECOVERED_PER_MILLE_MIN: usize = 990;

#[tokio::test(flavor = "multi_thread")]
async fn after_cuts_and_kills_every_screen_equals_a_fresh_snapshot() -> Result<(), Fault> {
    let plan = Plan {
        clients: 50,
        messages_per_second: 40,
        restarts: 3,
        restart_interval: Duration::from_secs(4),
        cut_after_max: Duration::from_secs(4),
    };
    let mut app = TestApp::start(SERVER).await?;
    let outcome = run(&plan, &mut app.server).await?;
    println!("{outcome}");
    assert_eq!(outcome.clients, plan.clients);
    assert!(outcome.reconnects > plan.clients, "too few reconnects: {outcome}");
    assert!(
        outcome.shown_read > 0 && outcome.shown_unread > 0,
        "read marks prove nothing: {outcome}"
    );
    assert_eq!(outcome.refused, 0, "{outcome}");
    assert!(outcome.recovered_per_mille() > RECOVERED_PER_MILLE_MIN, "{outcome}");
    Ok(())
}
