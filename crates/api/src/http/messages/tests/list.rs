use serde_json::{Value, json};

use crate::testing::{TestApp, keys};

fn words(page: &Value) -> Vec<&str> {
    let data = page["data"].as_array().expect("a list");
    data.iter().map(|item| item["content"].as_str().expect("words")).collect()
}

#[actix_web::test]
async fn a_history_comes_newest_first_in_pages_that_meet() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    for number in 1..=5 {
        test_app.send_message(&conversation, "c1", &number.to_string()).await;
    }
    let path = format!("{conversation}/messages?limit=2");
    let first = test_app.get(&path, "s1").await.json();
    assert_eq!(
        keys(&first),
        ["data", "hasMore", "limit", "nextCursor", "page", "total", "totalPages"]
    );
    assert_eq!((words(&first), &first["hasMore"]), (vec!["5", "4"], &json!(true)));
    assert_eq!(
        [&first["total"], &first["page"], &first["limit"], &first["totalPages"]],
        [5, 1, 2, 3]
    );

    test_app.send_message(&conversation, "c1", "6").await;
    let cursor = first["nextCursor"].as_str().expect("there is more");
    let second = test_app.get(&format!("{path}&cursor={cursor}"), "s1").await.json();
    assert_eq!(words(&second), ["3", "2"]);
    let cursor = second["nextCursor"].as_str().expect("there is more");
    let last = test_app.get(&format!("{path}&cursor={cursor}"), "s1").await.json();
    assert_eq!((words(&last), &last["hasMore"]), (vec!["1"], &json!(false)));
    assert_eq!(last.get("nextCursor"), None);

    let by_number = test_app.get(&format!("{path}&page=2"), "s1").await.json();
    assert_eq!(words(&by_number), ["4", "3"]);
}

#[actix_web::test]
async fn reading_a_page_marks_nothing_as_read() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    test_app.send_message(&conversation, "c1", "Bonjour").await;
    for _ in 0..2 {
        let page = test_app.get(&format!("{conversation}/messages"), "s1").await.json();
        assert_eq!(page["data"][0]["isRead"], false);
    }
    assert_eq!(test_app.unread("s1").await, 1);
}

#[actix_web::test]
async fn a_stranger_learns_nothing_from_a_bad_query() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let path = format!("{conversation}/messages?cursor=x");
    assert_eq!(test_app.get(&path, "s1").await.failure(), (400, "invalid_cursor".to_owned()));
    assert_eq!(
        test_app.get(&path, "s2").await.failure(),
        (404, "conversation_not_found".to_owned())
    );
}
