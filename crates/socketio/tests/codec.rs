//! The packet codec: error tables and property tests.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, value::to_raw_value};
use socketio::packet::{Decoder, Limits, Packet, ParseError};

fn limits(max_packet_bytes: usize) -> Limits {
    let max_event_bytes = max_packet_bytes;
    Limits { max_attachments: 10, max_packet_bytes, max_event_bytes, kept_members: &["key"] }
}

fn decoder() -> Decoder {
    Decoder::new(limits(1_000))
}

fn fault(text: &str) -> Option<ParseError> {
    decoder().text(text).err()
}

#[test]
fn every_fault_is_told_from_the_others() {
    use ParseError as E;
    let table = [
        ("", E::UnknownType),
        ("abc", E::UnknownType),
        ("9", E::UnknownType),
        ("2", E::EventPayload),
        ("2{}", E::EventPayload),
        ("2[]", E::EventPayload),
        ("2[null]", E::EventPayload),
        ("2[true,1]", E::EventPayload),
        ("2[{},1]", E::EventPayload),
        (r#"2["connect"]"#, E::ReservedEvent),
        (r#"2["connect_error"]"#, E::ReservedEvent),
        (r#"2["disconnect"]"#, E::ReservedEvent),
        (r#"2["disconnecting"]"#, E::ReservedEvent),
        (r#"2["newListener"]"#, E::ReservedEvent),
        (r#"2["removeListener"]"#, E::ReservedEvent),
        (r#"2["\u0063onnect"]"#, E::ReservedEvent),
        (r#"2abc["x"]"#, E::Json),
        (r#"2["x""#, E::Json),
        (r#"2["x"]]"#, E::Json),
        (r#"2["x",]"#, E::Json),
        (r#"2["x",01]"#, E::Json),
        (r#"2-["x"]"#, E::Json),
        (r#"299999999999999999999["x"]"#, E::AckId),
        (r#"0"x""#, E::ConnectPayload),
        ("0[1]", E::ConnectPayload),
        ("0null", E::ConnectPayload),
        (r#"1{"a":1}"#, E::DisconnectPayload),
        (r#"1/ns,"x""#, E::DisconnectPayload),
        ("3[]", E::AckId),
        ("31{}", E::AckPayload),
        ("31", E::AckPayload),
        ("4", E::ConnectErrorPayload),
        (r#"4"x""#, E::ConnectErrorPayload),
        (r#"5["x"]"#, E::AttachmentCount),
        (r#"51["x"]"#, E::AttachmentCount),
        (r#"5-["x"]"#, E::AttachmentCount),
        (r#"50-["x"]"#, E::AttachmentCount),
        (r#"5x-["x"]"#, E::AttachmentCount),
        (r#"511-["x"]"#, E::TooManyAttachments),
        (r#"599999999999999999999-["x"]"#, E::TooManyAttachments),
        (r#"51-["x",{"_placeholder":true,"num":5}]"#, E::Placeholder),
        (r#"51-["x",[{"deep":{"_placeholder":true,"num":1}}]]"#, E::Placeholder),
        (r#"51-["x",{"_placeholder":true,"num":-1}]"#, E::Placeholder),
        (r#"51-["x",{"_placeholder":true,"num":"0"}]"#, E::Placeholder),
        (r#"51-["x",{"_placeholder":true}]"#, E::Placeholder),
    ];
    for (text, expected) in table {
        assert_eq!(fault(text), Some(expected), "{text}");
    }
}

#[test]
fn half_a_character_breaks_no_packet() {
    let event = |text: &str| match decoder().text(text) {
        Ok(Some(Packet::Event { name, args, .. })) => {
            (name, args.iter().map(|arg| arg.get().to_owned()).collect::<Vec<_>>())
        }
        other => panic!("{text}: {other:?}"),
    };
    let half = r#"{"content":"\ud83d"}"#;
    assert_eq!(event(&format!(r#"2["x",{half}]"#)), ("x".to_owned(), vec![half.to_owned()]));
    assert_eq!(event(r#"2["x\ud83d"]"#), ("x\u{fffd}".to_owned(), vec![]));
    let mut partial = decoder();
    let binary = format!(r#"51-["x",{half},{{"_placeholder":true,"num":0}}]"#);
    assert!(partial.text(&binary).is_ok_and(|packet| packet.is_none()));
    assert!(partial.binary(Bytes::from_static(b"1")).is_ok_and(|packet| packet.is_some()));
}

/// Nested JSON is only scanned; the application parses it with its own limit.
#[test]
fn nesting_has_no_bound_of_its_own() {
    let deep = format!("{}{}", "[".repeat(400), "]".repeat(400));
    let packet = decoder().text(&format!("2[\"x\",{deep}]"));
    let Ok(Some(Packet::Event { args, .. })) = packet else {
        panic!("expected an event, got {packet:?}");
    };
    assert_eq!(args[0].get(), deep);
    assert!(decoder().text(&format!("0{{\"x\":{deep}}}")).is_ok_and(|packet| packet.is_some()));
    let mut partial = decoder();
    assert!(partial.text(&format!("51-[\"x\",{deep}]")).is_ok_and(|packet| packet.is_none()));
    assert!(partial.binary(Bytes::from_static(b"1")).is_ok_and(|packet| packet.is_some()));
    assert_eq!(fault(&format!("2[\"x\",{}]", "[".repeat(400))), Some(ParseError::Json));
}

#[test]
fn attachments_and_texts_come_only_where_they_are_due() {
    let mut idle = decoder();
    let early = idle.binary(Bytes::from_static(b"x"));
    assert_eq!(early.err(), Some(ParseError::UnexpectedBinary));

    let mut partial = decoder();
    assert!(matches!(partial.text(r#"51-["x"]"#), Ok(None)));
    let text = partial.text(r#"2["y"]"#);
    assert_eq!(text.err(), Some(ParseError::AttachmentsOutstanding));
}

#[test]
fn a_packet_is_measured_with_its_attachments() {
    let text = r#"51-["x"]"#;
    let mut exact = decoder();
    assert!(matches!(exact.text(text), Ok(None)));
    let rest = Bytes::from(vec![0; 1_000 - text.len()]);
    assert!(matches!(exact.binary(rest), Ok(Some(_))));

    let mut over = decoder();
    assert!(matches!(over.text(text), Ok(None)));
    let rest = Bytes::from(vec![0; 1_001 - text.len()]);
    assert_eq!(over.binary(rest).err(), Some(ParseError::TooLarge));
    assert_eq!(fault(&"x".repeat(1_001)), Some(ParseError::TooLarge));
}

#[test]
fn arguments_keep_their_text() {
    let packet = decoder().text(r#"2["x",1.0,{"b":1e2,"a":12345678901234567890123}]"#);
    let Ok(Some(Packet::Event { args, .. })) = packet else {
        panic!("expected an event, got {packet:?}");
    };
    assert_eq!(args[0].get(), "1.0");
    assert_eq!(args[1].get(), r#"{"b":1e2,"a":12345678901234567890123}"#);
}

#[test]
fn a_number_may_name_an_event() {
    let packet = decoder().text("2[7]");
    assert!(matches!(packet, Ok(Some(Packet::Event { name, .. })) if name == "7"));
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[^,]{1,8}"]
}

fn attachments() -> impl Strategy<Value = Vec<Bytes>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..4)
        .prop_map(|all| all.into_iter().map(Bytes::from).collect())
}

fn packet() -> impl Strategy<Value = Packet> {
    let args = || prop::collection::vec(json(), 0..3);
    let raw = |value: &Value| to_raw_value(value).expect("JSON");
    prop_oneof![
        (namespace(), prop::option::of("[a-z]{0,9}")).prop_map(move |(namespace, token)| {
            let data = token.map(|token| raw(&serde_json::json!({ "token": token })));
            Packet::Connect { namespace, data }
        }),
        namespace().prop_map(|namespace| Packet::Disconnect { namespace }),
        (namespace(), any::<Option<u64>>(), "e.{0,8}", args(), attachments()).prop_map(
            move |(namespace, id, name, args, attachments)| Packet::Event {
                namespace,
                id,
                name,
                args: args.iter().map(raw).collect(),
                attachments,
            }
        ),
        (namespace(), any::<u64>(), args(), attachments()).prop_map(
            move |(namespace, id, args, attachments)| Packet::Ack {
                namespace,
                id,
                args: args.iter().map(raw).collect(),
                attachments,
            }
        ),
        (namespace(), ".{0,8}").prop_map(move |(namespace, message)| Packet::ConnectError {
            namespace,
            data: raw(&serde_json::json!({ "message": message })),
        }),
    ]
}

fn decode(text: &str, attachments: Vec<Bytes>) -> Result<Packet, ParseError> {
    let mut decoder = Decoder::new(limits(usize::MAX));
    let mut packet = decoder.text(text)?;
    for bytes in attachments {
        assert!(packet.is_none(), "complete before its attachments");
        packet = decoder.binary(bytes)?;
    }
    Ok(packet.expect("complete after its attachments"))
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(packet in packet()) {
        let (text, attachments) = packet.encode().expect("JSON");
        prop_assert_eq!(&text[..1], "4");
        let decoded = decode(&text[1..], attachments).expect("a packet");
        prop_assert_eq!(format!("{decoded:?}"), format!("{packet:?}"));
    }

    #[test]
    fn no_text_makes_the_decoder_panic(text in any::<String>()) {
        drop(decoder().text(&text));
    }

    #[test]
    fn no_text_that_resembles_a_packet_makes_the_decoder_panic(
        text in r#"[0-7][0-9]{0,3}-?(/[a-z/]{0,3},?)?[0-9]{0,3}[\[\]{}",:a-z0-9 \\]{0,24}"#
    ) {
        drop(decoder().text(&text));
    }
}
