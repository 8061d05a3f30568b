//! What presence and typing ask the database: nothing, but for one statement when somebody comes online.
//! Counted on the wire between the server and PostgreSQL, statement by statement.

use serde_json::{Value, json};
use testkit::{
    Fault, database::Database, fault::same, person::Person, socket::Socket, sql_tap::SqlTap,
    stage::Stage,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const KEYSTROKES: usize = 50;
/// So short that leases are renewed again and again while a test runs.
const LEASE_MS: &str = "1000";
/// How long a mark of typing lives that nobody renews.
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

struct Scene {
    stage: Stage,
    tap: SqlTap,
    salon: Person,
    client: Person,
    here: Value,
}

impl Scene {
    async fn set() -> Result<Self, Fault> {
        let database = Database::fresh().await?;
        let tap = SqlTap::on(&database.url()).await?;
        // The job runner asks for work by the clock, whoever types.
        let settings = [
            ("DATABASE_URL", tap.url()),
            ("PRESENCE_LEASE_MS", LEASE_MS),
            ("PRESENCE_TYPING_UNREPEATED_LEASE_MS", TYPING_LEASE_MS),
            ("JOBS_RUN", "off"),
        ];
        let stage = Stage::on(SERVER, database, &settings).await?;
        let salon = Person::salon("salon-1", "Encre Noire");
        let client = Person::client("client-1", "Camille", "Martin");
        let here = json!({ "conversationId": stage.conversation(&salon, &client).await? });
        Ok(Self { stage, tap, salon, client, here })
    }

    /// A new connection that has been told all that a new connection is told.
    async fn comes(&self, person: &Person) -> Result<Socket, Fault> {
        let mut socket = self.stage.socket(person).await?;
        socket.hear("presence-snapshot").await?;
        socket.hear("unread-count-updated").await?;
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
        let asked = self.tap.take().into_iter().filter(|sql| !sql.starts_with("SET "));
        let mut asked: Vec<_> = asked.map(Statement::of).collect();
        asked.sort();
        asked
    }
}

#[tokio::test]
async fn coming_online_asks_once_for_ones_partners_and_further_sessions_for_nothing()
-> Result<(), Fault> {
    let scene = Scene::set().await?;
    let mut watching = scene.comes(&scene.salon).await?;
    scene.asked();

    let first = scene.comes(&scene.client).await?;
    watching.hear("user-online").await?;
    same("coming online", scene.asked(), vec![Profile, UnreadTotal, Partners])?;
    let _second = scene.comes(&scene.client).await?;
    same("a second session", scene.asked(), vec![Profile, UnreadTotal])?;

    // One goes and comes again, as a page does that is loaded anew.
    first.cut();
    let _again = scene.comes(&scene.client).await?;
    same("a page loaded anew", scene.asked(), vec![Profile, UnreadTotal])
}

#[tokio::test]
async fn typing_leases_and_going_offline_ask_nothing() -> Result<(), Fault> {
    let scene = Scene::set().await?;
    let mut watching = scene.comes_and_joins(&scene.salon).await?;
    let typing = scene.comes_and_joins(&scene.client).await?;
    let second = scene.comes_and_joins(&scene.client).await?;
    watching.hear("user-online").await?;
    scene.asked();

    for _ in 0..KEYSTROKES {
        typing.call_ok("user-typing", &scene.here).await?;
    }
    let typed = watching.hear("user-typing").await?;
    same("who types", typed["userId"].as_str(), Some(scene.client.id.as_str()))?;
    typing.call_ok("user-stopped-typing", &scene.here).await?;
    watching.hear("user-stopped-typing").await?;
    // Nobody says that it ends: the mark runs out.
    second.call_ok("user-typing", &scene.here).await?;
    watching.hear("user-typing").await?;
    watching.hear("user-stopped-typing").await?;
    same("typing", scene.asked(), vec![])?;

    second.cut();
    typing.cut();
    // Several leases later.
    let left = watching.hear("user-offline").await?;
    same("who left", left["userId"].as_str(), Some(scene.client.id.as_str()))?;
    same("going offline", scene.asked(), vec![])?;

    // The measure is good for something: whoever comes back has to be asked about again.
    let _back = scene.comes(&scene.client).await?;
    watching.hear("user-online").await?;
    same("coming back", scene.asked(), vec![Profile, UnreadTotal, Partners])
}
