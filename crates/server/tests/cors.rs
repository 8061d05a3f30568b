//! Which pages may call (contract of the old service: an allow-list, with credentials).

use testkit::{Fault, fault::same, person::Person, test_app::TestApp};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const FRONT: &str = "https://salon.example";
const FOREIGN: &str = "https://elsewhere.example";

async fn start() -> Result<TestApp, Fault> {
    TestApp::start_with(SERVER, &[("FRONT_URL", FRONT)]).await
}

#[tokio::test]
async fn a_page_of_the_front_end_may_read_the_answer() -> Result<(), Fault> {
    let app = start().await?;
    let rest = app.rest(&Person::client("client-1", "Camille", "Martin"))?;
    for origin in [FRONT, "https://www.salon.example"] {
        let headers = [("origin", origin)];
        let answer = rest.send("GET", "/messaging/conversations", &headers, Vec::new()).await?;
        same("the status", answer.status, 200)?;
        same("the page allowed", answer.header("access-control-allow-origin"), origin)?;
        same("with a token", answer.header("access-control-allow-credentials"), "true")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_foreign_page_is_refused_and_changes_nothing() -> Result<(), Fault> {
    let app = start().await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    let conversation = app.conversation(&salon, &client).await?;
    let before = app.database.digest().await?;

    let path = format!("/messaging/conversations/{conversation}/messages");
    let headers = [("origin", FOREIGN), ("content-type", "application/json")];
    let body = br#"{"content":"Bonjour"}"#.to_vec();
    let answer = app.rest(&client)?.send("POST", &path, &headers, body).await?;
    same("the status", answer.status, 403)?;
    same("the code", answer.code(), "origin_not_allowed")?;
    same("what is stored", app.database.digest().await?, before)
}

#[tokio::test]
async fn a_foreign_page_gets_no_socket_and_one_of_ours_an_app_or_on_our_own_host_gets_one()
-> Result<(), Fault> {
    let apps = "https://salon.example, capacitor://localhost, ionic://localhost, app://salon";
    let app = TestApp::start_with(SERVER, &[("FRONT_URL", apps)]).await?;
    let own = app.server.url();
    for (origin, status) in [
        (FOREIGN, 400),
        ("app://other", 400),
        (FRONT, 200),
        (&own, 200),
        ("capacitor://localhost", 200),
        ("ionic://localhost", 200),
        ("app://salon", 200),
    ] {
        let path = "/socket.io/?EIO=4&transport=polling";
        let polled = app.anonymous().send("GET", path, &[("origin", origin)], Vec::new()).await?;
        same(&format!("the status for {origin}"), polled.status, status)?;
        let headers = [
            ("origin", origin),
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let status = if status == 200 { 101 } else { status };
        for path in ["/socket.io/?EIO=4&transport=websocket", "/messaging"] {
            let opened = app.anonymous().send("GET", path, &headers, Vec::new()).await?;
            same(&format!("the status for {origin} at {path}"), opened.status, status)?;
        }
    }
    Ok(())
}
