use serde_json::json;

use crate::testing::{CONVERSATIONS, TestApp, keys};

#[actix_web::test]
async fn a_new_conversation_is_answered_to_the_letter() {
    let test_app = TestApp::new().await;
    let body = json!({"clientUserId": "c1", "appointmentId": "rdv-1", "subject": "Tatouage bras"});
    let opened = test_app.post(CONVERSATIONS, "s1", body).await;
    assert_eq!(opened.status, 201);
    let opened = opened.json();
    assert_eq!(
        keys(&opened),
        [
            "appointmentId",
            "client",
            "clientUserId",
            "createdAt",
            "id",
            "lastMessageAt",
            "lastSeq",
            "salon",
            "salonId",
            "status",
            "subject",
            "unreadCount",
            "updatedAt",
        ]
    );
    assert_eq!(opened["salon"], json!({"id": "s1", "salonName": "Salon s1", "role": "user_salon"}));
    let client = json!({
        "id": "c1", "firstName": "Camille", "lastName": "Roux c1", "role": "client"
    });
    assert_eq!(opened["client"], client);
    assert_eq!(opened["status"], "ACTIVE");
    assert_eq!((&opened["unreadCount"], &opened["lastSeq"]), (&json!(0), &json!(1)));
    let created = opened["createdAt"].as_str().expect("a time");
    assert!(created.starts_with("2026-01-05T09:30:00.") && created.len() == 24, "{created}");
    assert!(created.ends_with('Z'));
}

#[actix_web::test]
async fn the_first_message_is_a_system_message_and_unread_by_the_client() {
    let test_app = TestApp::new().await;
    let body = json!({"clientUserId": "c1", "firstMessage": "Bonjour Camille"});
    let opened = test_app.post(CONVERSATIONS, "s1", body).await.json();
    assert_eq!(opened["lastMessage"]["type"], "SYSTEM");
    assert_eq!(opened["lastMessage"]["senderId"], "s1");
    assert_eq!((test_app.unread("c1").await, test_app.unread("s1").await), (1, 0));
}

#[actix_web::test]
async fn a_booking_has_one_conversation_however_often_it_is_opened() {
    let test_app = TestApp::new().await;
    let body =
        || json!({"clientUserId": "c1", "appointmentId": "rdv-1", "firstMessage": "Bonjour"});
    let first = test_app.post(CONVERSATIONS, "s1", body()).await;
    let again = test_app.post(CONVERSATIONS, "s1", body()).await;
    assert_eq!(again.status, 201);
    assert_eq!(again.json(), first.json());
    let other = test_app.post(CONVERSATIONS, "s2", body()).await.json();
    assert_ne!(other["id"], first.json()["id"]);
}

#[actix_web::test]
async fn an_impossible_partner_is_refused_with_the_known_text() {
    let test_app = TestApp::new().await;
    let table = [
        ("s1", "nobody", (404, "client_not_found"), "Client non trouvé"),
        ("s1", "s2", (400, "not_a_client"), "Cet utilisateur n'est pas un client"),
        ("s9", "c1", (404, "salon_not_found"), "Salon non trouvé"),
        ("c1", "c2", (403, "salon_side_only"), "Seul le salon peut ouvrir une conversation"),
    ];
    for (who, client, (status, code), text) in table {
        let refused = test_app.post(CONVERSATIONS, who, json!({"clientUserId": client})).await;
        assert_eq!(refused.failure(), (status, code.to_owned()));
        assert_eq!(refused.json()["message"], text);
    }
    let listed = test_app.get(CONVERSATIONS, "s1").await.json();
    assert_eq!(listed["total"], 0);
}

#[actix_web::test]
async fn a_body_that_is_not_acceptable_is_answered_in_the_known_envelope() {
    let test_app = TestApp::new().await;
    let refused = test_app.post(CONVERSATIONS, "s1", json!({"subject": "ab"})).await;
    assert_eq!(
        refused.json(),
        json!({
            "message": [
                "Le client est obligatoire",
                "clientUserId must be a string",
                "Le sujet doit contenir au moins 3 caractères",
            ],
            "error": "Bad Request",
            "statusCode": 400,
            "code": "validation_failed",
        })
    );
}
