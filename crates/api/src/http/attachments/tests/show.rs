use serde_json::json;

use crate::testing::{ATTACHMENTS, TestApp};

#[actix_web::test]
async fn before_it_is_sent_only_its_owner_sees_a_file() {
    let test_app = TestApp::new().await;
    let uploaded = test_app.upload_picture("c1").await;
    let path = format!("{ATTACHMENTS}/{}", uploaded["id"].as_str().expect("an id"));
    let shown = test_app.get(&path, "c1").await;
    assert_eq!((shown.status.as_u16(), &shown.json()["fileName"]), (200, &uploaded["fileName"]));
    for stranger in ["s1", "s2", "c2"] {
        let refused = test_app.get(&path, stranger).await;
        assert_eq!(refused.failure(), (404, "attachment_not_found".to_owned()), "{stranger}");
    }
}

#[actix_web::test]
async fn participants_get_fresh_links_until_the_message_is_deleted() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let id = test_app.upload_picture("c1").await["id"].clone();
    let body = json!({"attachments": [{"attachmentId": id}]});
    let sent = test_app.post(&format!("{conversation}/messages"), "c1", body).await.json();
    let path = format!("{ATTACHMENTS}/{}", id.as_str().expect("an id"));
    let link = |seen: &serde_json::Value| seen["fileUrl"].as_str().expect("a link").to_owned();

    let first = link(&test_app.get(&path, "s1").await.json());
    test_app.clock.advance_millis(86_400_000);
    assert_eq!(test_app.get(&first, "").await.failure(), (410, "link_expired".to_owned()));
    let fresh = link(&test_app.get(&path, "s1").await.json());
    assert_eq!(test_app.get(&fresh, "").await.status, 200);

    let message = format!("/messaging/messages/{}", sent["id"].as_str().expect("an id"));
    assert_eq!(test_app.delete(&message, "c1").await.status, 204);
    for who in ["s1", "c1"] {
        let gone = test_app.get(&path, who).await;
        assert_eq!(gone.failure(), (404, "attachment_not_found".to_owned()), "{who}");
    }
    let gone = test_app.get(&fresh, "").await;
    assert_eq!(gone.failure(), (404, "attachment_not_found".to_owned()), "by its link");
}

#[actix_web::test]
async fn an_impossible_id_is_not_found() {
    let test_app = TestApp::new().await;
    for path in ["a%20b", "nothing", &"x".repeat(65)] {
        let refused = test_app.get(&format!("{ATTACHMENTS}/{path}"), "c1").await;
        assert_eq!(refused.failure(), (404, "attachment_not_found".to_owned()), "{path}");
    }
}
