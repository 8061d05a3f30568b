use serde_json::json;

use super::*;

fn read(event: &str, payload: Value) -> Result<Command, (Code, String)> {
    let event = EventName::parse(event).expect("an event we listen to");
    let Value::Object(payload) = payload else { panic!("an object") };
    command(event, &payload.into()).map_err(|failure| (failure.code(), event.text_of(&failure)))
}

#[test]
fn a_name_is_read_as_it_is_written() {
    for (event, name) in NAMES {
        assert_eq!((EventName::parse(name), event.as_str()), (Some(event), name));
    }
    assert_eq!(EventName::parse("drop-tables"), None);
}

#[test]
fn good_payloads_become_commands_and_unknown_keys_are_ignored() {
    assert!(matches!(
        read("join-conversation", json!({ "conversationId": "c1", "x": [1] })),
        Ok(Command::Join { visible: true, .. })
    ));
    assert!(matches!(
        read("join-conversation", json!({ "conversationId": "c1", "visible": false })),
        Ok(Command::Join { visible: false, .. })
    ));
    assert!(matches!(
        read("send-message", json!({ "conversationId": "c1", "content": "x", "type": "SYSTEM" })),
        Ok(Command::Send { draft, .. }) if draft.kind() == domain::conversation::message::MessageKind::Text
    ));
    assert!(matches!(
        read("mark-as-read", json!({ "messageId": "m1" })),
        Ok(Command::MarkMessage { .. })
    ));
}

#[test]
fn bad_payloads_are_told_in_the_contract_s_words() {
    let generic = |event, payload| read(event, payload).expect_err("bad");
    let table = [
        (
            "join-conversation",
            json!({}),
            Code::ValidationFailed,
            "Erreur lors de la connexion à la conversation",
        ),
        (
            "join-conversation",
            json!({ "conversationId": 7 }),
            Code::ValidationFailed,
            "Erreur lors de la connexion à la conversation",
        ),
        (
            "join-conversation",
            json!({ "conversationId": "c1", "visible": "yes" }),
            Code::ValidationFailed,
            "Erreur lors de la connexion à la conversation",
        ),
        (
            "join-conversation",
            json!({ "conversationId": "../1" }),
            Code::ConversationNotFound,
            "Conversation non trouvée",
        ),
        (
            "send-message",
            json!({ "conversationId": "c1" }),
            Code::ValidationFailed,
            "Erreur lors de l'envoi du message",
        ),
        (
            "send-message",
            json!({ "conversationId": "c1", "content": "" }),
            Code::ValidationFailed,
            "Erreur lors de l'envoi du message",
        ),
        (
            "send-message",
            json!({ "conversationId": "c1", "content": ["x"] }),
            Code::ValidationFailed,
            "Erreur lors de l'envoi du message",
        ),
        (
            "send-message",
            json!({ "conversationId": "c1", "content": "x", "clientMessageId": "a b" }),
            Code::ValidationFailed,
            "Erreur lors de l'envoi du message",
        ),
        (
            "mark-as-read",
            json!({ "messageId": null }),
            Code::ValidationFailed,
            "Erreur lors du marquage du message",
        ),
        (
            "mark-as-read",
            json!({ "messageId": "é" }),
            Code::MessageNotFound,
            "Erreur lors du marquage du message",
        ),
        (
            "mark-conversation-as-read",
            json!({ "conversationId": "é" }),
            Code::ConversationNotFound,
            "Erreur lors du marquage de la conversation",
        ),
    ];
    for (event, payload, code, text) in table {
        assert_eq!(generic(event, payload.clone()), (code, text.to_owned()), "{event} {payload}");
    }
}

#[test]
fn what_is_no_object_is_an_empty_payload() {
    let args = |json: &str| vec![RawValue::from_string(json.to_owned()).expect("JSON")];
    for json in ["null", "[]", "\"x\"", "7"] {
        assert!(payload(&args(json)).fields.is_empty(), "{json}");
    }
    assert!(payload(&[]).fields.is_empty());
    let keyed = payload(&args(r#"{"clientMessageId":"k"}"#));
    assert_eq!(client_message_id(&keyed), Some("k"));
}

#[test]
fn what_holds_half_a_character_is_refused_and_its_key_is_known() {
    let json = r#"{"conversationId":"c1","content":"\ud83d","clientMessageId":"k"}"#;
    let sent = payload(&[RawValue::from_string(json.to_owned()).expect("JSON")]);
    assert_eq!(client_message_id(&sent), Some("k"));
    for event in EventName::all() {
        let failure = command(event, &sent).expect_err("it cannot be read");
        let reason = "content contient la moitié d'un caractère (demi-codet UTF-16 isolé)";
        assert_eq!(failure.details(Language::French), [reason], "{event:?}");
    }
}
