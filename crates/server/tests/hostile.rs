//! What a hostile client does is bounded, counted and refused. These are short forms, which assert counts and states;
//! `cargo xtask drill hostile` runs the attacks in full and measures.

use testkit::{
    Fault,
    hostile::{Attack, SETTINGS, Size, run},
    test_app::TestApp,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

#[expect(clippy::print_stdout, reason = "figures are for whoever runs the tests")]
async fn bears(attack: Attack) -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &SETTINGS).await?;
    let findings = run(attack, Size::Short, &app).await?;
    println!("{findings}");
    findings.check()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_events_are_refused_and_close_nothing() -> Result<(), Fault> {
    bears(Attack::Memory).await
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_count_whatever_they_turn_out_to_be() -> Result<(), Fault> {
    bears(Attack::Commands).await
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_connections_are_closed_and_newcomers_get_in() -> Result<(), Fault> {
    bears(Attack::Connections).await
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_uploads_and_costly_pictures_stop_nobody_elses() -> Result<(), Fault> {
    bears(Attack::Uploads).await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_page_can_neither_poll_nor_upgrade_a_session() -> Result<(), Fault> {
    bears(Attack::Origins).await
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_no_error_lines() -> Result<(), Fault> {
    bears(Attack::Malformed).await
}
