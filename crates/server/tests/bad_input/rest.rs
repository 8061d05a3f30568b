//! Requests that no front end would send.

use serde_json::json;
use testkit::{Fault, rest::Answer};

use crate::{Fixture, bystander::beside};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const NO_HEADERS: &[(&str, &str)] = &[];
/// Above any bound of a JSON body.
const HUGE_BYTES: usize = 3_000_000;
const DEEP: usize = 100_000;

#[tokio::test]
async fn no_body_is_too_strange_to_be_refused() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let path = format!("/messaging/conversations/{}/messages", fixture.conversation);
    let attack = async {
        for (name, body) in bodies() {
            let rest = fixture.app.rest(&fixture.client)?;
            let answer = rest.send("POST", &path, JSON, body).await;
            let answer = answer.map_err(Fault::while_doing(name))?;
            is_refused(name, &answer)?;
            fixture.is_unharmed(&before).await.map_err(Fault::while_doing(name))?;
        }
        Ok(())
    };
    beside(&fixture, Box::pin(attack)).await
}

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let content = |content: &str| json!({ "content": content }).to_string().into_bytes();
    let files = |files| json!({ "content": "a", "attachments": files }).to_string().into_bytes();
    let file = |url: &str, size: i64| json!([{ "fileName": "a.png", "fileUrl": url, "fileType": "image/png", "fileSize": size }]);
    let deep = [vec![b'['; DEEP], vec![b']'; DEEP]].concat();
    vec![
        ("nothing", Vec::new()),
        ("half an object", br#"{"content":"#.to_vec()),
        ("an array", b"[]".to_vec()),
        ("a number", b"1e999".to_vec()),
        ("null", b"null".to_vec()),
        ("no UTF-8", b"{\"content\":\"\xff\xfe\"}".to_vec()),
        ("half a surrogate", br#"{"content":"\ud800"}"#.to_vec()),
        ("deep nesting", deep.clone()),
        ("deep nesting in a field", [br#"{"content":"#.to_vec(), deep, b"}".to_vec()].concat()),
        ("a huge body", content(&"a".repeat(HUGE_BYTES))),
        ("a long text", content(&"é".repeat(10_001))),
        ("an empty text", content("")),
        ("nothing but control characters", content("\0\u{1b}\u{7f}")),
        ("nothing that can be seen", content("\u{200b}\u{2060}")),
        ("half a character", br#"{"content":"a\ud83d"}"#.to_vec()),
        ("an object for a text", br#"{"content":{"$ne":null}}"#.to_vec()),
        ("an object for a list", files(json!({ "length": 1 }))),
        ("six files", files(json!([{}, {}, {}, {}, {}, {}]))),
        ("a script for a file", files(file("javascript:alert(1)", 10))),
        ("a file on a foreign host", files(file("https://elsewhere.example/f/a", 10))),
        ("a file on the server itself", files(file("https://127.0.0.1/f/a", 10))),
        ("a negative size", files(file("https://utfs.io/f/a", -1))),
        ("a huge size", files(file("https://utfs.io/f/a", i64::MAX))),
        ("a bad key", br#"{"content":"a","clientMessageId":"'; DROP TABLE--"}"#.to_vec()),
        ("an unknown kind", br#"{"content":"a","type":"ADMIN"}"#.to_vec()),
    ]
}

#[tokio::test]
async fn no_address_is_too_strange_to_be_refused() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let rest = fixture.app.rest(&fixture.client)?;
    let long = "a".repeat(5_000);
    let own = format!("/messaging/conversations/{}/messages", fixture.conversation);
    let paths = [
        "/messaging/conversations/%00".to_owned(),
        "/messaging/conversations/%ff%fe".to_owned(),
        "/messaging/conversations/..%2f..%2fetc%2fpasswd".to_owned(),
        "/messaging/conversations/' OR 1=1 --".to_owned(),
        format!("/messaging/conversations/{long}"),
        format!("{own}?cursor=%00"),
        format!("{own}?cursor={long}"),
        "/messaging/conversations?status=NONSENSE".to_owned(),
        "/messaging/conversations?status=ACTIVE&status=ARCHIVED".to_owned(),
        "/messaging/nowhere".to_owned(),
    ];
    let attack = async {
        for path in paths {
            is_refused(&path, &rest.get(&path).await?)?;
        }
        for method in ["PUT", "TRACE", "NONSENSE"] {
            let answer = rest.send(method, "/messaging/conversations", NO_HEADERS, Vec::new());
            is_refused(method, &answer.await?)?;
        }
        Ok(())
    };
    beside(&fixture, Box::pin(attack)).await?;
    fixture.is_unharmed(&before).await
}

/// What the old service answered with 500, or with whatever the database made of it.
#[tokio::test]
async fn senseless_page_numbers_are_answered_with_a_page() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let rest = fixture.app.rest(&fixture.client)?;
    for query in [
        "page=0",
        "page=-1",
        "page=abc",
        "page=99999999999999999999",
        "limit=0",
        "limit=-5",
        "limit=abc",
        "limit=1e3",
        "limit=99999999999999999999",
    ] {
        let answer = rest.get(&format!("/messaging/conversations?{query}")).await?;
        let page = answer.expect(200).map_err(Fault::while_doing(query))?;
        assert!(page["totalPages"].is_u64(), "{query}: {page}");
    }
    Ok(())
}

fn is_refused(what: &str, answer: &Answer) -> Result<(), Fault> {
    if (400..500).contains(&answer.status) && !answer.code().is_empty() {
        return Ok(());
    }
    Err(Fault::new(format!("{what}: answered with {answer:?}")))
}
