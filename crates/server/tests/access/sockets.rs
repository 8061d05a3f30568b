//! Every event for every caller, and the way in.

use serde_json::{Value, json};
use testkit::{
    Fault,
    fault::same,
    socket::{ConnectError, Socket},
};

use crate::cast::{Caller, Cast, SECRET, Scene};

/// Who gets as far as sending events; in the order of the columns.
const CONNECTED: [Caller; 4] = [Caller::Owner, Caller::OtherSide, Caller::Stranger, Caller::Rival];

type Row = (&'static str, fn(&Scene) -> Value, [&'static str; 4]);

const NO_CONVERSATION: &str = "conversation_not_found";
const NO_MESSAGE: &str = "message_not_found";

fn conversation(scene: &Scene) -> Value {
    json!({ "conversationId": scene.conversation })
}

/// The event, what it says, and the code of the acknowledgement for each caller.
const TABLE: [Row; 8] = [
    ("join-conversation", conversation, ["ok", "ok", NO_CONVERSATION, NO_CONVERSATION]),
    (
        "join-conversation",
        |scene| json!({ "conversationId": scene.conversation, "afterSeq": 1 }),
        ["ok", "ok", NO_CONVERSATION, NO_CONVERSATION],
    ),
    // What is not one's own is answered as unknown inside the acknowledgement.
    (
        "sync",
        |scene| json!({ "conversations": [{ "conversationId": scene.conversation }] }),
        ["ok", "ok", "ok", "ok"],
    ),
    ("auth-refresh", |_| json!({ "token": "nobody-s" }), ["unauthorized"; 4]),
    // Leaving what one never joined is nothing, and tells nothing.
    ("leave-conversation", conversation, ["ok", "ok", "ok", "ok"]),
    (
        "send-message",
        |scene| json!({ "conversationId": scene.conversation, "content": "Bonjour" }),
        ["ok", "ok", NO_CONVERSATION, NO_CONVERSATION],
    ),
    (
        "mark-as-read",
        |scene| json!({ "messageId": scene.of_client }),
        ["ok", "ok", NO_MESSAGE, NO_MESSAGE],
    ),
    ("mark-conversation-as-read", conversation, ["ok", "ok", NO_CONVERSATION, NO_CONVERSATION]),
];

#[tokio::test]
async fn every_event_is_for_participants_only() -> Result<(), Fault> {
    let cast = Cast::assemble().await?;
    for (event, payload, answers) in TABLE {
        for (caller, expected) in CONNECTED.into_iter().zip(answers) {
            let scene = cast.scene().await?;
            check(&cast, &scene, event, &payload(&scene), caller, expected)
                .await
                .map_err(Fault::while_doing(format!("{event} by {caller:?}")))?;
        }
    }
    Ok(())
}

async fn check(
    cast: &Cast,
    scene: &Scene,
    event: &str,
    payload: &Value,
    caller: Caller,
    expected: &str,
) -> Result<(), Fault> {
    let mut watcher = watcher(cast, scene).await?;
    let before = cast.stage.database.digest().await?;
    let socket = cast.stage.socket(cast.person(caller)).await?;
    let ack = socket.call(event, payload).await?;
    same("the acknowledgement", summary(&ack), expected.to_owned())?;
    if caller.takes_part() {
        return Ok(());
    }
    if event == "sync" {
        let page = json!({ "conversationId": scene.conversation, "code": NO_CONVERSATION });
        same("what is told", &ack["data"]["conversations"], &json!([page]))?;
    }
    same("what is stored", cast.stage.database.digest().await?, before)?;
    watcher.catch_up().await?;
    for name in ["new-message", "message-read", "user-joined"] {
        same(name, watcher.heard(name).len(), 0)?;
    }
    Ok(())
}

/// The salon, looking at the conversation.
async fn watcher(cast: &Cast, scene: &Scene) -> Result<Socket, Fault> {
    let mut watcher = cast.stage.socket(cast.person(Caller::Owner)).await?;
    watcher.call_ok("join-conversation", &conversation(scene)).await?;
    watcher.forget().await?;
    Ok(watcher)
}

fn summary(ack: &Value) -> String {
    if ack["ok"] == true {
        return "ok".to_owned();
    }
    ack["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn without_a_good_token_nobody_gets_in_and_everybody_learns_why() -> Result<(), Fault> {
    let cast = Cast::assemble().await?;
    let url = cast.stage.server.url();
    let forged = format!("{}x", cast.token(Caller::Owner)?);
    let table = [
        (json!({}), "unauthorized"),
        (json!({ "token": cast.token(Caller::Nobody)? }), "unauthorized"),
        (json!({ "token": 1 }), "unauthorized"),
        (json!({ "token": forged }), "unauthorized"),
        (json!({ "token": cast.token(Caller::Late)? }), "token_expired"),
    ];
    for (auth, code) in table {
        match Socket::connect_with(&url, &auth).await {
            Err(ConnectError::Refused(reason)) => {
                same("the code", reason["data"]["code"].as_str(), Some(code))?;
                same("a message", reason["message"].is_string(), true)?;
            }
            Err(ConnectError::Fault(fault)) => return Err(fault),
            Ok(_) => return Err(Fault::new(format!("{code}: somebody got in"))),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_stranger_on_a_socket_hears_nothing_of_what_others_say() -> Result<(), Fault> {
    let cast = Cast::assemble().await?;
    let scene = cast.scene().await?;
    let mut strangers = Vec::new();
    for caller in [Caller::Stranger, Caller::Rival] {
        let socket = cast.stage.socket(cast.person(caller)).await?;
        socket.call("join-conversation", &conversation(&scene)).await?;
        strangers.push(socket);
    }

    let salon = cast.stage.socket(cast.person(Caller::Owner)).await?;
    let client = cast.stage.socket(cast.person(Caller::OtherSide)).await?;
    salon.call_ok("join-conversation", &conversation(&scene)).await?;
    let said = json!({ "conversationId": scene.conversation, "content": SECRET });
    salon.call_ok("send-message", &said).await?;
    client.call_ok("mark-conversation-as-read", &conversation(&scene)).await?;

    for mut stranger in strangers {
        stranger.catch_up().await?;
        // The badge they are greeted with is about their own messages, of which there are none.
        for greeting in stranger.heard("unread-count-updated") {
            same("their unread messages", greeting["totalUnread"].as_i64(), Some(0))?;
        }
        stranger.send_raw("1");
        while let Some(event) = stranger.next().await {
            // They talk with nobody, so nobody is online for them.
            let is_greeting =
                event.name == "presence-snapshot" && event.data == json!({ "online": [] });
            if !is_greeting {
                return Err(Fault::new(format!("a stranger heard {}", event.name)));
            }
        }
    }
    Ok(())
}
