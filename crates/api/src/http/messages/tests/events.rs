use serde_json::{Value, json};

use crate::testing::{TestApp, keys};

fn told(page: &Value) -> Vec<(i64, &str)> {
    let events = page["events"].as_array().expect("a list");
    let told = |event: &Value| event["seq"].as_i64().expect("a position");
    events.iter().map(|event| (told(event), event["event"].as_str().expect("a name"))).collect()
}

#[actix_web::test]
async fn what_happened_is_told_in_order_in_pieces_that_meet() {
    let test_app = TestApp::new().await;
    let talk = test_app.talk().await;
    test_app.said(&talk, "c1", "Bonjour").await;
    test_app.patch(&talk, "s1", json!({"subject": "Bras gauche"})).await;
    test_app.patch(&format!("{talk}/mark-read"), "s1", json!({})).await;

    let first = test_app.get(&format!("{talk}/events?limit=3"), "c1").await.json();
    assert_eq!(keys(&first), ["conversationId", "events", "hasMore", "lastSeq", "resync"]);
    assert_eq!(
        told(&first),
        [(1, "conversation-created"), (2, "new-message"), (3, "conversation-updated")]
    );
    assert_eq!((&first["lastSeq"], &first["hasMore"]), (&json!(3), &json!(true)));
    assert_eq!(first["events"][1]["data"]["content"], "Bonjour");

    let rest = test_app.get(&format!("{talk}/events?after=3"), "c1").await.json();
    assert_eq!(told(&rest), [(4, "conversation-read")]);
    assert_eq!((&rest["hasMore"], &rest["resync"]), (&json!(false), &json!(false)));
}

#[actix_web::test]
async fn a_position_that_the_log_forgot_is_told_so() {
    let test_app = TestApp::new().await;
    let talk = test_app.talk().await;
    test_app.said(&talk, "c1", "Bonjour").await;
    let id = talk.rsplit('/').next().expect("an id");
    let id = domain::ids::ConversationId::parse(id).expect("a good id");
    test_app.store.trim_log(&id, domain::ids::Seq::new(2).expect("not negative"));
    let page = test_app.get(&format!("{talk}/events?after=1"), "c1").await.json();
    assert_eq!((told(&page), &page["resync"]), (vec![], &json!(true)));
}

#[actix_web::test]
async fn a_stranger_learns_nothing_from_a_bad_query() {
    let test_app = TestApp::new().await;
    let talk = test_app.talk().await;
    let path = format!("{talk}/events?after=x");
    assert_eq!(test_app.get(&path, "s1").await.failure(), (400, "validation_failed".to_owned()));
    assert_eq!(
        test_app.get(&path, "s2").await.failure(),
        (404, "conversation_not_found".to_owned())
    );
}
