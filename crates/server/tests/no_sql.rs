//! Presence and typing send no SQL, but for one statement when a person comes online; and a stranger's
//! request sends the same SQL whether the conversation exists or not, and locks nothing.
//! Counted on the wire between the server and PostgreSQL, statement by statement.

use serde_json::{Value, json};
use testkit::{
    Fault, database::Database, fault::same, person::Person, socket::Socket, sql_tap::SqlTap,
    test_app::TestApp,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const KEYSTROKES: usize = 50;
/// So short that leases are renewed again and again while a test runs.
const LEASE_MS: &str = "1000";
/// How long a typing mark lasts unless it is renewed.
const TYPING_LEASE_MS: &str = "2000";

/// What a statement is for, as far as connecting goes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Statement {
    /// Every connection: who it is that the token names.
    Profile,
    /// Every connection: how many messages wait for them.
    UnreadTotal,
    /// Presence: whom this person talks with.
    Partners,
    Other(String),
}
use Statement::{Partners, Profile, UnreadTotal};

impl Statement {
    /// Known by what only this statement says.
    fn of(sql: String) -> Self {
        let is = |words: &str| sql.contains(words);
        if is("AS partner_ids") {
            Partners
        } else if is(") AS waiting") {
            UnreadTotal
        } else if is("FROM messaging.participant\nWHERE id = $1") {
            Profile
        } else {
            Self::Other(sql)
        }
    }
}

struct Fixture {
    app: TestApp,
    tap: SqlTap,
    salon: Person,
    client: Person,
    here: Value,
}

impl Fixture {
    async fn start() -> Result<Self, Fault> {
        let database = Database::fresh().await?;
        let tap = SqlTap::on(&database.url()).await?;
        // The job runner asks for work by the clock, whoever types.
        let settings = [
            ("DATABASE_URL", tap.url()),
            ("PRESENCE_LEASE_MS", LEASE_MS),
            ("PRESENCE_TYPING_UNREPEATED_LEASE_MS", TYPING_LEASE_MS),
            ("JOBS_RUN", "off"),
            // So is it asked whose tokens were revoked.
            ("JWT_ENDED_READ_INTERVAL_MS", "600000"),
        ];
        let app = TestApp::start_on(SERVER, database, &settings).await?;
        let salon = Person::salon("salon-1", "Encre Noire");
        let client = Person::client("client-1", "Camille", "Martin");
        let here = json!({ "conversationId": app.conversation(&salon, &client).await? });
        Ok(Self { app, tap, salon, client, here })
    }

    /// A new connection that has received its initial events.
    async fn comes(&self, person: &Person) -> Result<Socket, Fault> {
        let mut socket = self.app.socket(person).await?;
        socket.wait_for("presence-snapshot").await?;
        socket.wait_for("unread-count-updated").await?;
        Ok(socket)
    }

    async fn comes_and_joins(&self, person: &Person) -> Result<Socket, Fault> {
        let socket = self.comes(person).await?;
        socket.call_ok("join-conversation", &self.here).await?;
        Ok(socket)
    }

    /// The statements since the last look; which of them came first is chance.
    fn asked(&self) -> Vec<Statement> {
        // What the pool says to a new connection is nobody's question.
        let is_setup = |sql: &String| sql.starts_with("SET ") || sql.contains("SET lc_messages");
        let asked = self.tap.take().into_iter().filter(|sql| !is_setup(sql));
        let mut asked: Vec<_> = asked.map(Statement::of).collect();
        asked.sort();
        asked
    }
}

#[tokio::test]
async fn coming_online_asks_once_for_ones_partners_and_further_sessions_for_nothing()
-> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let mut watching = fixture.comes(&fixture.salon).await?;
    fixture.asked();

    let first = fixture.comes(&fixture.client).await?;
    watching.wait_for("user-online").await?;
    same("coming online", fixture.asked(), vec![Profile, UnreadTotal, Partners])?;
    let _second = fixture.comes(&fixture.client).await?;
    same("a second session", fixture.asked(), vec![Profile, UnreadTotal])?;

    // One disconnects and connects again, as a reloaded page does.
    first.cut();
    let _again = fixture.comes(&fixture.client).await?;
    same("a page loaded anew", fixture.asked(), vec![Profile, UnreadTotal])
}

#[tokio::test]
async fn typing_leases_and_going_offline_ask_nothing() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let mut watching = fixture.comes_and_joins(&fixture.salon).await?;
    let typing = fixture.comes_and_joins(&fixture.client).await?;
    let second = fixture.comes_and_joins(&fixture.client).await?;
    watching.wait_for("user-online").await?;
    fixture.asked();

    for _ in 0..KEYSTROKES {
        typing.call_ok("user-typing", &fixture.here).await?;
    }
    let typed = watching.wait_for("user-typing").await?;
    same("who types", typed["userId"].as_str(), Some(fixture.client.id.as_str()))?;
    typing.call_ok("user-stopped-typing", &fixture.here).await?;
    watching.wait_for("user-stopped-typing").await?;
    // Nobody says that it ends: the mark runs out.
    second.call_ok("user-typing", &fixture.here).await?;
    watching.wait_for("user-typing").await?;
    watching.wait_for("user-stopped-typing").await?;
    same("typing", fixture.asked(), vec![])?;

    second.cut();
    typing.cut();
    // Several leases later.
    let left = watching.wait_for("user-offline").await?;
    same("who left", left["userId"].as_str(), Some(fixture.client.id.as_str()))?;
    same("going offline", fixture.asked(), vec![])?;

    // The measurement works: coming online again is one statement again.
    let _back = fixture.comes(&fixture.client).await?;
    watching.wait_for("user-online").await?;
    same("coming back", fixture.asked(), vec![Profile, UnreadTotal, Partners])
}

/// A request of a stranger: over REST with a method and a path, or over a socket with an event.
enum Request {
    Rest(&'static str, &'static str, Value),
    Event(&'static str, Value),
}
use Request::{Event, Rest};

/// Every request that names a conversation or a message, with `{c}` and `{m}` for their ids.
fn requests() -> Vec<Request> {
    let (c, m) = ("{c}", "{m}");
    let send = json!({ "conversationId": c, "content": "Bonjour", "clientMessageId": "k1" });
    vec![
        Rest("GET", "/messaging/conversations/{c}", Value::Null),
        Rest("GET", "/messaging/conversations/{c}/messages", Value::Null),
        Rest("GET", "/messaging/conversations/{c}/events?after=0", Value::Null),
        Rest("POST", "/messaging/conversations/{c}/messages", json!({ "content": "Bonjour" })),
        Rest("PATCH", "/messaging/conversations/{c}", json!({ "subject": "Bras" })),
        Rest("PATCH", "/messaging/conversations/{c}/archive", Value::Null),
        Rest("PATCH", "/messaging/conversations/{c}/mark-read", Value::Null),
        Rest("DELETE", "/messaging/conversations/{c}", Value::Null),
        Rest("PATCH", "/messaging/messages/{m}/read", Value::Null),
        Rest("DELETE", "/messaging/messages/{m}", Value::Null),
        Event("join-conversation", json!({ "conversationId": c })),
        Event("join-conversation", json!({ "conversationId": c, "after": 1 })),
        Event("send-message", send),
        Event("mark-as-read", json!({ "messageId": m })),
        Event("mark-conversation-as-read", json!({ "conversationId": c })),
        Event("user-typing", json!({ "conversationId": c })),
        Event("user-stopped-typing", json!({ "conversationId": c })),
        Event("leave-conversation", json!({ "conversationId": c })),
    ]
}

#[tokio::test]
async fn a_stranger_s_request_asks_the_same_of_a_conversation_of_others_and_of_none()
-> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    // Everything that the node may remember of a conversation, it remembers of this one.
    let _salon = fixture.comes_and_joins(&fixture.salon).await?;
    let _client = fixture.comes_and_joins(&fixture.client).await?;
    let conversation = fixture.here["conversationId"].as_str().unwrap_or_default().to_owned();
    let said = fixture.app.message(&fixture.salon, &conversation, "Bonjour").await?;
    let message = said["id"].as_str().unwrap_or_default().to_owned();
    let stranger = Person::salon("salon-2", "Ailleurs");
    let socket = fixture.comes(&stranger).await?;
    let rest = fixture.app.rest(&stranger)?;
    // Who it is that the token names is asked once.
    rest.get("/messaging/conversations/none").await?;
    fixture.asked();

    for request in requests() {
        let mut asked = vec![];
        for (conversation, message) in [(conversation.as_str(), message.as_str()), ("none", "none")]
        {
            let filled = |text: &str| text.replace("{c}", conversation).replace("{m}", message);
            match &request {
                Rest(method, path, body) => {
                    let body = (!body.is_null()).then_some(body);
                    let answer = rest.call(method, &filled(path), body).await?;
                    same(path, answer.status, 404)?;
                }
                Event(name, data) => {
                    let data = serde_json::from_str(&filled(&data.to_string()));
                    let data: Value = data.map_err(Fault::while_doing("fill in ids"))?;
                    socket.call(name, &data).await?;
                }
            }
            asked.push(fixture.asked());
        }
        let what = match &request {
            Rest(method, path, _) => format!("{method} {path}"),
            Event(name, data) => format!("{name} {data}"),
        };
        let locks = |statement: &Statement| {
            matches!(statement, Statement::Other(sql)
                if sql.contains("BEGIN") || sql.contains("FOR NO KEY UPDATE") || sql.contains("FOR UPDATE"))
        };
        same(&format!("locks of {what}"), asked[0].iter().any(locks), false)?;
        same(&what, &asked[0], &asked[1])?;
    }
    Ok(())
}
