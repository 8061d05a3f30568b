use serde_json::{Value, json};

use crate::testing::{TestApp, keys};

/// Position and name of each event.
fn events(page: &Value) -> Vec<(i64, &str)> {
    let events = page["events"].as_array().expect("a list");
    let seq = |event: &Value| event["seq"].as_i64().expect("a position");
    events.iter().map(|event| (seq(event), event["event"].as_str().expect("a name"))).collect()
}

#[actix_web::test]
async fn events_are_listed_in_order_in_pages_that_meet() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    test_app.send_message(&conversation, "c1", "Bonjour").await;
    test_app.patch(&conversation, "s1", json!({"subject": "Bras gauche"})).await;
    test_app.patch(&format!("{conversation}/mark-read"), "s1", json!({})).await;

    let first = test_app.get(&format!("{conversation}/events?limit=3"), "c1").await.json();
    assert_eq!(keys(&first), ["conversationId", "events", "hasMore", "lastSeq", "resync"]);
    assert_eq!(
        events(&first),
        [(1, "conversation-created"), (2, "new-message"), (3, "conversation-updated")]
    );
    assert_eq!((&first["lastSeq"], &first["hasMore"]), (&json!(3), &json!(true)));
    assert_eq!(first["events"][1]["data"]["content"], "Bonjour");

    let rest = test_app.get(&format!("{conversation}/events?after=3"), "c1").await.json();
    assert_eq!(events(&rest), [(4, "conversation-read")]);
    assert_eq!((&rest["hasMore"], &rest["resync"]), (&json!(false), &json!(false)));
}

#[actix_web::test]
async fn a_trimmed_position_asks_for_a_resync() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    test_app.send_message(&conversation, "c1", "Bonjour").await;
    let id = conversation.rsplit('/').next().expect("an id");
    let id = domain::ids::ConversationId::parse(id).expect("a good id");
    test_app.store.trim_log(&id, domain::ids::Seq::new(2).expect("not negative"));
    let page = test_app.get(&format!("{conversation}/events?after=1"), "c1").await.json();
    assert_eq!((events(&page), &page["resync"]), (vec![], &json!(true)));
}

#[actix_web::test]
async fn a_stranger_learns_nothing_from_a_bad_query() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let path = format!("{conversation}/events?after=x");
    assert_eq!(test_app.get(&path, "s1").await.failure(), (400, "validation_failed".to_owned()));
    assert_eq!(
        test_app.get(&path, "s2").await.failure(),
        (404, "conversation_not_found".to_owned())
    );
}
