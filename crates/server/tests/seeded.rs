//! The large history that measurements read, in small: what is written straight into the tables must
//! be what the server itself would have written.

use serde_json::{Value, json};
use testkit::{Fault, bench::seed, fault::same, person::Person, test_app::TestApp};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const MESSAGES: u32 = 1_000;

#[tokio::test]
async fn a_seeded_history_is_listed_paged_and_goes_on() -> Result<(), Fault> {
    let app = TestApp::start(SERVER).await?;
    seed::fill(&app.database, MESSAGES).await?;
    let salon = Person::salon(&seed::salon(0), "Encre Noire");
    let rest = app.rest(&salon)?;

    let list = rest.get("/messaging/conversations").await?.expect(200)?;
    same("the first of the list", list["data"][0]["id"].as_str(), Some(seed::LONG))?;
    let unread = list["data"][0]["unreadCount"].as_u64();
    let total = rest.get("/messaging/conversations/unread/total").await?.expect(200)?;
    same("unread messages", unread, Some(2))?;
    same("in all", total["totalUnread"].as_u64(), unread)?;

    let path = format!("/messaging/conversations/{}/messages", seed::LONG);
    let page = rest.get(&path).await?.expect(200)?;
    let newest = page["data"][0]["seq"].as_u64();
    let stored = u64::from(seed::long(MESSAGES));
    same("messages in all", page["total"].as_u64(), Some(stored))?;
    let next = rest.post(&path, &json!({ "content": "Bonjour" })).await?.expect(201)?;
    same("the next position", next["seq"].as_u64(), newest.map(|newest| newest + 1))?;
    same("no error", page.get("error"), None::<&Value>)
}
