//! A session that was opened by one page is polled and upgraded by another.

use serde_json::json;

use super::findings::{Findings, Size};
use crate::{
    Fault, database,
    person::Person,
    rest::{Answer, Rest},
    test_app::TestApp,
};

/// The page that opens the session, and others: one that may open sessions too, one that may not, and none.
const PAGE: &str = "http://localhost:3000";
const OTHERS: [Option<&str>; 3] =
    [Some("http://localhost:3001"), Some("https://evil.example"), None];

const UPGRADE: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

pub(super) async fn run(size: Size<'_>, app: &TestApp) -> Result<Findings, Fault> {
    let (mut refused, mut answered_otherwise, mut alive) = (0, 0, 0);
    let sessions = size.pick(2, 100);
    for _ in 0..sessions {
        let rest = Rest::new(&app.server.url());
        let sid = open(&rest).await?;
        let token = app.token(&Person::new(&database::id("client"), "client"))?;
        let connect = format!("40/messaging,{}", json!({ "token": token }));
        let poll = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
        let upgrade = format!("/socket.io/?EIO=4&transport=websocket&sid={sid}");
        for origin in OTHERS {
            let requests = [
                ask(&rest, "GET", &poll, origin, &[], "").await?,
                ask(&rest, "POST", &poll, origin, &[], &connect).await?,
                ask(&rest, "GET", &upgrade, origin, &UPGRADE, "").await?,
            ];
            for answer in requests {
                let is_refused = answer.status == 400 && answer.body["code"] == 3;
                refused += u64::from(is_refused);
                answered_otherwise += u64::from(!is_refused);
            }
        }
        let posted = ask(&rest, "POST", &poll, Some(PAGE), &[], &connect).await?;
        let polled = ask(&rest, "GET", &poll, Some(PAGE), &[], "").await?;
        alive += u64::from(posted.status == 200 && polled.status == 200);
    }
    let mut findings = Findings::default();
    findings.exactly("requests from another origin: refused", refused, 9 * sessions);
    findings.exactly("requests from another origin: answered otherwise", answered_otherwise, 0);
    findings.exactly("sessions that go on for their own page", alive, sessions);
    let log = app.server.log()?;
    findings.exactly("log lines with a session id", log.matches("sid=").count(), 0);
    Ok(findings)
}

async fn open(rest: &Rest) -> Result<String, Fault> {
    let path = "/socket.io/?EIO=4&transport=polling";
    let answer = ask(rest, "GET", path, Some(PAGE), &[], "").await?.expect(200)?;
    let open = answer.as_str().and_then(|text| serde_json::from_str(text.strip_prefix('0')?).ok());
    crate::test_app::text(&open.unwrap_or_default(), "sid")
}

async fn ask(
    rest: &Rest,
    method: &str,
    path: &str,
    origin: Option<&str>,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer, Fault> {
    let origin = origin.map(|origin| ("origin", origin));
    let headers: Vec<_> = headers.iter().copied().chain(origin).collect();
    rest.send(method, path, &headers, body.into()).await
}
