//! Every event for every caller, and the way in.

use serde_json::{Value, json};
use testkit::{
    Fault,
    fault::same,
    socket::{ConnectError, Socket},
};

use crate::callers::{Accounts, Caller, Fixture, SECRET};

/// Who gets as far as sending events; in the order of the columns.
const CONNECTED: [Caller; 4] = [Caller::Owner, Caller::OtherSide, Caller::Stranger, Caller::Rival];

type Row = (&'static str, fn(&Fixture) -> Value, [&'static str; 4]);

const NO_CONVERSATION: &str = "conversation_not_found";
const NO_MESSAGE: &str = "message_not_found";

fn conversation(fixture: &Fixture) -> Value {
    json!({ "conversationId": fixture.conversation })
}

/// The event, what it says, and the code of the acknowledgement for each caller.
const TABLE: [Row; 8] = [
    ("join-conversation", conversation, ["ok", "ok", NO_CONVERSATION, NO_CONVERSATION]),
    (
        "join-conversation",
        |fixture| json!({ "conversationId": fixture.conversation, "afterSeq": 1 }),
        ["ok", "ok", NO_CONVERSATION, NO_CONVERSATION],
    ),
    // What is not one's own is answered as unknown inside the acknowledgement.
    (
        "sync",
        |fixture| json!({ "conversations": [{ "conversationId": fixture.conversation }] }),
        ["ok", "ok", "ok", "ok"],
    ),
    ("auth-refresh", |_| json!({ "token": "nobody-s" }), ["unauthorized"; 4]),
    // Leaving a conversation that was never joined does nothing and reveals nothing.
    ("leave-conversation", conversation, ["ok", "ok", "ok", "ok"]),
    (
        "send-message",
        |fixture| json!({ "conversationId": fixture.conversation, "content": "Bonjour" }),
        ["ok", "ok", NO_CONVERSATION, NO_CONVERSATION],
    ),
    (
        "mark-as-read",
        |fixture| json!({ "messageId": fixture.of_client }),
        ["ok", "ok", NO_MESSAGE, NO_MESSAGE],
    ),
    ("mark-conversation-as-read", conversation, ["ok", "ok", NO_CONVERSATION, NO_CONVERSATION]),
];

#[tokio::test]
async fn every_event_is_for_participants_only() -> Result<(), Fault> {
    let accounts = Accounts::create().await?;
    for (event, payload, answers) in TABLE {
        for (caller, expected) in CONNECTED.into_iter().zip(answers) {
            let fixture = accounts.fixture().await?;
            check(&accounts, &fixture, event, &payload(&fixture), caller, expected)
                .await
                .map_err(Fault::while_doing(format!("{event} by {caller:?}")))?;
        }
    }
    Ok(())
}

async fn check(
    accounts: &Accounts,
    fixture: &Fixture,
    event: &str,
    payload: &Value,
    caller: Caller,
    expected: &str,
) -> Result<(), Fault> {
    let mut bystander = bystander(accounts, fixture).await?;
    let before = accounts.app.database.digest().await?;
    let socket = accounts.app.socket(accounts.person(caller)).await?;
    let ack = socket.call(event, payload).await?;
    same("the acknowledgement", summary(&ack), expected.to_owned())?;
    if caller.takes_part() {
        return Ok(());
    }
    if event == "sync" {
        let page = json!({ "conversationId": fixture.conversation, "code": NO_CONVERSATION });
        same("what is sent", &ack["data"]["conversations"], &json!([page]))?;
    }
    same("what is stored", accounts.app.database.digest().await?, before)?;
    bystander.catch_up().await?;
    for name in ["new-message", "message-read", "user-joined"] {
        same(name, bystander.received(name).len(), 0)?;
    }
    Ok(())
}

/// The salon, looking at the conversation.
async fn bystander(accounts: &Accounts, fixture: &Fixture) -> Result<Socket, Fault> {
    let mut bystander = accounts.app.socket(accounts.person(Caller::Owner)).await?;
    bystander.call_ok("join-conversation", &conversation(fixture)).await?;
    bystander.discard_received().await?;
    Ok(bystander)
}

fn summary(ack: &Value) -> String {
    if ack["ok"] == true {
        return "ok".to_owned();
    }
    ack["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn without_a_good_token_nobody_gets_in_and_everybody_learns_why() -> Result<(), Fault> {
    let accounts = Accounts::create().await?;
    let url = accounts.app.server.url();
    let forged = format!("{}x", accounts.token(Caller::Owner)?);
    let table = [
        (json!({}), "unauthorized"),
        (json!({ "token": accounts.token(Caller::Nobody)? }), "unauthorized"),
        (json!({ "token": 1 }), "unauthorized"),
        (json!({ "token": forged }), "unauthorized"),
        (json!({ "token": accounts.token(Caller::Late)? }), "token_expired"),
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
    let accounts = Accounts::create().await?;
    let fixture = accounts.fixture().await?;
    let mut strangers = Vec::new();
    for caller in [Caller::Stranger, Caller::Rival] {
        let socket = accounts.app.socket(accounts.person(caller)).await?;
        socket.call("join-conversation", &conversation(&fixture)).await?;
        strangers.push(socket);
    }

    let salon = accounts.app.socket(accounts.person(Caller::Owner)).await?;
    let client = accounts.app.socket(accounts.person(Caller::OtherSide)).await?;
    salon.call_ok("join-conversation", &conversation(&fixture)).await?;
    let said = json!({ "conversationId": fixture.conversation, "content": SECRET });
    salon.call_ok("send-message", &said).await?;
    client.call_ok("mark-conversation-as-read", &conversation(&fixture)).await?;

    for mut stranger in strangers {
        stranger.catch_up().await?;
        // The badge they are greeted with is about their own messages, of which there are none.
        for greeting in stranger.received("unread-count-updated") {
            same("their unread messages", greeting["totalUnread"].as_i64(), Some(0))?;
        }
        stranger.send_raw("1");
        while let Some(event) = stranger.next().await {
            // They have no partners, so nobody is online for them.
            let is_greeting =
                event.name == "presence-snapshot" && event.data == json!({ "online": [] });
            if !is_greeting {
                return Err(Fault::new(format!("a stranger received {}", event.name)));
            }
        }
    }
    Ok(())
}
