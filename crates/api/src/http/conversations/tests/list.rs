use serde_json::{Value, json};

use crate::testing::{CONVERSATIONS, TestApp, keys};

async fn app_with_three_conversations() -> TestApp {
    let test_app = TestApp::new().await;
    for number in 1..=3 {
        let body = json!({"clientUserId": "c1", "subject": format!("Sujet {number}")});
        test_app.post(CONVERSATIONS, "s1", body).await;
    }
    test_app
}

fn subjects(page: &Value) -> Vec<&str> {
    let data = page["data"].as_array().expect("a list");
    data.iter().map(|item| item["subject"].as_str().expect("a subject")).collect()
}

#[actix_web::test]
async fn pages_by_number_have_the_keys_that_callers_know() {
    let test_app = app_with_three_conversations().await;
    let first = test_app.get(&format!("{CONVERSATIONS}?limit=2"), "c1").await.json();
    assert_eq!(keys(&first), ["data", "limit", "nextCursor", "page", "total", "totalPages"]);
    assert_eq!(subjects(&first), ["Sujet 3", "Sujet 2"]);
    assert_eq!(
        [&first["total"], &first["page"], &first["limit"], &first["totalPages"]],
        [3, 1, 2, 2]
    );
    let last = test_app.get(&format!("{CONVERSATIONS}?page=2&limit=2"), "c1").await.json();
    assert_eq!(keys(&last), ["data", "limit", "page", "total", "totalPages"]);
    assert_eq!(subjects(&last), ["Sujet 1"]);
    let beyond = test_app.get(&format!("{CONVERSATIONS}?page=9"), "c1").await.json();
    assert_eq!((subjects(&beyond), &beyond["page"]), (vec![], &json!(9)));
}

#[actix_web::test]
async fn pages_by_cursor_miss_nothing_when_a_conversation_comes_in_between() {
    let test_app = app_with_three_conversations().await;
    let first = test_app.get(&format!("{CONVERSATIONS}?limit=2"), "c1").await.json();
    test_app.post(CONVERSATIONS, "s2", json!({"clientUserId": "c1", "subject": "Sujet 4"})).await;
    let cursor = first["nextCursor"].as_str().expect("there is more");
    let path = format!("{CONVERSATIONS}?limit=2&page=7&cursor={cursor}");
    let next = test_app.get(&path, "c1").await.json();
    assert_eq!((subjects(&next), &next["page"]), (vec!["Sujet 1"], &json!(1)));
}

#[actix_web::test]
async fn a_status_leaves_the_others_out() {
    let test_app = app_with_three_conversations().await;
    let all = test_app.get(CONVERSATIONS, "s1").await.json();
    let id = all["data"][1]["id"].as_str().expect("an id");
    test_app.patch(&format!("{CONVERSATIONS}/{id}/archive"), "s1", json!({})).await;
    for (status, expected) in
        [("ACTIVE", vec!["Sujet 3", "Sujet 1"]), ("ARCHIVED", vec!["Sujet 2"])]
    {
        let page = test_app.get(&format!("{CONVERSATIONS}?status={status}"), "c1").await.json();
        assert_eq!(subjects(&page), expected);
    }
    let all = test_app.get(&format!("{CONVERSATIONS}?status="), "c1").await.json();
    assert_eq!(all["total"], 3);
}

#[actix_web::test]
async fn nobody_sees_the_conversations_of_others() {
    let test_app = app_with_three_conversations().await;
    let page = test_app.get(CONVERSATIONS, "c2").await.json();
    assert_eq!(page, json!({"data": [], "total": 0, "page": 1, "limit": 20, "totalPages": 0}));
}

#[actix_web::test]
async fn a_query_that_is_not_acceptable_is_refused() {
    let test_app = TestApp::new().await;
    for (query, code) in [
        ("status=CLOSED", "validation_failed"),
        ("status=ACTIVE&status=ACTIVE", "validation_failed"),
        ("page=1&page=1", "validation_failed"),
        ("cursor=m1", "invalid_cursor"),
    ] {
        let refused = test_app.get(&format!("{CONVERSATIONS}?{query}"), "s1").await;
        assert_eq!(refused.failure(), (400, code.to_owned()), "{query}");
    }
    let refused = test_app.get(&format!("{CONVERSATIONS}?status=x"), "s1").await.json();
    let text = "status must be one of the following values: ACTIVE, ARCHIVED";
    assert_eq!(refused["message"], json!([text]));
}
