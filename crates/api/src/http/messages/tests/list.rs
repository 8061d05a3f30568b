use serde_json::{Value, json};

use crate::testing::{House, keys};

fn words(page: &Value) -> Vec<&str> {
    let data = page["data"].as_array().expect("a list");
    data.iter().map(|item| item["content"].as_str().expect("words")).collect()
}

#[actix_web::test]
async fn a_history_comes_newest_first_in_pages_that_meet() {
    let house = House::new().await;
    let talk = house.talk().await;
    for number in 1..=5 {
        house.said(&talk, "c1", &number.to_string()).await;
    }
    let path = format!("{talk}/messages?limit=2");
    let first = house.get(&path, "s1").await.json();
    assert_eq!(
        keys(&first),
        ["data", "hasMore", "limit", "nextCursor", "page", "total", "totalPages"]
    );
    assert_eq!((words(&first), &first["hasMore"]), (vec!["5", "4"], &json!(true)));
    assert_eq!(
        [&first["total"], &first["page"], &first["limit"], &first["totalPages"]],
        [5, 1, 2, 3]
    );

    house.said(&talk, "c1", "6").await;
    let cursor = first["nextCursor"].as_str().expect("there is more");
    let second = house.get(&format!("{path}&cursor={cursor}"), "s1").await.json();
    assert_eq!(words(&second), ["3", "2"]);
    let cursor = second["nextCursor"].as_str().expect("there is more");
    let last = house.get(&format!("{path}&cursor={cursor}"), "s1").await.json();
    assert_eq!((words(&last), &last["hasMore"]), (vec!["1"], &json!(false)));
    assert_eq!(last.get("nextCursor"), None);

    let by_number = house.get(&format!("{path}&page=2"), "s1").await.json();
    assert_eq!(words(&by_number), ["4", "3"]);
}

#[actix_web::test]
async fn reading_a_page_marks_nothing_as_read() {
    let house = House::new().await;
    let talk = house.talk().await;
    house.said(&talk, "c1", "Bonjour").await;
    for _ in 0..2 {
        let page = house.get(&format!("{talk}/messages"), "s1").await.json();
        assert_eq!(page["data"][0]["isRead"], false);
    }
    assert_eq!(house.unread("s1").await, 1);
}

#[actix_web::test]
async fn a_stranger_learns_nothing_from_a_bad_query() {
    let house = House::new().await;
    let talk = house.talk().await;
    let path = format!("{talk}/messages?cursor=x");
    assert_eq!(house.get(&path, "s1").await.failure(), (400, "invalid_cursor".to_owned()));
    assert_eq!(house.get(&path, "s2").await.failure(), (404, "conversation_not_found".to_owned()));
}
