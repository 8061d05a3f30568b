//! An erased person goes on trying, with every token, on the node that was asked and on another one.

use std::collections::BTreeSet;

use media::testing::small_jpeg;
use serde_json::{Value, json};
use testkit::{
    Fault,
    appointment::{booking_service, register},
    backup::empty_folder,
    database::Database,
    fault::same,
    leak_check,
    person::{LIFETIME_S, Person, mint},
    rest::{FormFile, Rest, fetch},
    server::{Launch, Server},
    socket::{ConnectError, Socket},
    test_app::{TestApp, log_of_this_test, text},
    wait,
};

use crate::{
    SERVER,
    seed::{ERASED, ID_STAYS_IN, MARKER, archive, upload},
};

const SALON: &str = "salon-1";
const UNAUTHORIZED: &str = "401 unauthorized";

/// Two nodes on one database and one folder, and a conversation.
struct Nodes {
    app: TestApp,
    other: Server,
    conversation: String,
    /// A message of the salon, and one of the person.
    messages: [String; 2],
    /// Links to a picture and to the archive of the person.
    links: [String; 2],
    /// An attachment of theirs.
    attachment: String,
}

impl Nodes {
    async fn start() -> Result<Self, Fault> {
        let folder = log_of_this_test().with_extension("kept");
        empty_folder(&folder)?;
        let folder = folder.to_str().ok_or_else(|| Fault::new("a folder with an odd name"))?;
        let settings = [
            ("FILES_FOLDER", folder),
            ("JOBS_POLL_INTERVAL_MS", "20"),
            ("JOBS_FIRST_RETRY_MS", "20"),
            ("JOBS_LONGEST_RETRY_MS", "200"),
            ("JOBS_ATTEMPTS_MAX", "100"),
            ("JWT_ENDED_READ_INTERVAL_MS", "100"),
        ];
        let app = TestApp::start_on(SERVER, Database::fresh().await?, &settings).await?;
        let log = log_of_this_test().with_extension("other.log");
        let mut launch = Launch::new(SERVER, &app.database.url(), log);
        for (name, value) in settings {
            launch = launch.with(name, value);
        }
        app.server.secret().clone_into(&mut launch.secret);
        let other = Server::start(launch).await?;

        let (salon, client) = (Person::new(SALON, "user_salon"), Person::new(ERASED, "client"));
        register(&app, SALON, &json!({ "role": "user_salon", "salonName": "Encre Noire" })).await?;
        register(&app, ERASED, &json!({ "role": "client", "firstName": MARKER })).await?;
        let conversation = app.conversation_about("booking-1", &salon, &client).await?;
        let rest = app.rest(&client)?;
        let attachment = upload(&rest, MARKER, &small_jpeg()).await?;
        let message = json!({
            "content": format!("Ici {MARKER}"), "attachments": [{ "attachmentId": attachment }],
        });
        let path = format!("/messaging/conversations/{conversation}/messages");
        let sent = rest.post(&path, &message).await?.expect(201)?;
        let picture = text(&sent["attachments"][0], "fileUrl")?;
        let archive = archive(&rest).await?;
        let of_salon = json!({ "content": "Bonjour" });
        let of_salon = app.rest(&salon)?.post(&path, &of_salon).await?.expect(201)?;
        let messages = [text(&of_salon, "id")?, text(&sent, "id")?];
        Ok(Self { app, other, conversation, messages, links: [picture, archive], attachment })
    }

    fn urls(&self) -> [String; 2] {
        [self.app.server.url(), self.other.url()]
    }

    /// The token of before, and a new one with a name in it.
    fn tokens(&self) -> Result<[String; 2], Fault> {
        let person = Person::new(ERASED, "client");
        let named = person.clone().with("firstName", MARKER).with("email", "z@zerbinette.example");
        let secret = self.app.server.secret();
        Ok([mint(secret, &person, LIFETIME_S)?, mint(secret, &named, LIFETIME_S)?])
    }

    /// Every route for people.
    fn routes(&self) -> Vec<(&'static str, String, Value)> {
        let conversation = format!("/messaging/conversations/{}", self.conversation);
        let [of_salon, own] = &self.messages;
        let list = "/messaging/conversations";
        let preferences = "/notification-preferences";
        let muted = json!({ "conversationId": self.conversation });
        let words = json!({ "content": format!("Encore {MARKER}") });
        vec![
            ("POST", list.to_owned(), json!({ "clientUserId": ERASED })),
            ("GET", list.to_owned(), json!(null)),
            ("GET", format!("{list}/unread"), json!(null)),
            ("GET", format!("{list}/unread/total"), json!(null)),
            ("GET", conversation.clone(), json!(null)),
            ("PATCH", conversation.clone(), json!({ "subject": format!("Chez {MARKER}") })),
            ("PATCH", format!("{conversation}/archive"), json!(null)),
            ("PATCH", format!("{conversation}/mark-read"), json!(null)),
            ("DELETE", conversation.clone(), json!(null)),
            ("POST", format!("{conversation}/messages"), words),
            ("GET", format!("{conversation}/messages"), json!(null)),
            ("GET", format!("{conversation}/events?after=0"), json!(null)),
            ("PATCH", format!("/messaging/messages/{of_salon}/read"), json!(null)),
            ("DELETE", format!("/messaging/messages/{own}"), json!(null)),
            ("GET", format!("/messaging/attachments/{}", self.attachment), json!(null)),
            ("GET", "/messaging/me/export".to_owned(), json!(null)),
            ("GET", preferences.to_owned(), json!(null)),
            ("PATCH", preferences.to_owned(), json!({ "emailFrequency": "DAILY" })),
            ("POST", format!("{preferences}/mute"), muted),
            ("DELETE", format!("{preferences}/mute/{}", self.conversation), json!(null)),
        ]
    }

    fn events(&self) -> Vec<(&'static str, Value)> {
        let here = json!({ "conversationId": self.conversation });
        let words = json!({
            "conversationId": self.conversation, "content": format!("Toujours {MARKER}"),
        });
        vec![
            ("join-conversation", here.clone()),
            ("sync", json!({ "conversations": [here] })),
            ("send-message", words),
            ("user-typing", here.clone()),
            ("user-stopped-typing", here.clone()),
            ("mark-as-read", json!({ "messageId": self.messages[0] })),
            ("mark-conversation-as-read", here.clone()),
            ("leave-conversation", here),
        ]
    }

    /// Every route and every way in, on both nodes, with both tokens: all are refused.
    async fn try_everything(&self) -> Result<(), Fault> {
        let routes = self.routes();
        for url in self.urls() {
            for token in self.tokens()? {
                let rest = Rest::new(&url).with_token(&token);
                for (method, path, body) in &routes {
                    let body = Some(body).filter(|body| !body.is_null());
                    let answer = rest.call(method, path, body).await?;
                    let got = format!("{} {}", answer.status, answer.code());
                    same(&format!("{method} {path}"), got, UNAUTHORIZED.to_owned())?;
                }
                let name = format!("{MARKER}.jpg");
                let picture = small_jpeg();
                let file = FormFile { name: &name, media_type: "image/jpeg", bytes: &picture };
                let answer = file.post(&rest, "/messaging/attachments").await?;
                same("an upload", (answer.status, answer.code()), (401, "unauthorized"))?;
                match Socket::connect(&url, &token).await {
                    Err(ConnectError::Refused(why)) => {
                        same("a socket", why["data"]["code"].as_str(), Some("unauthorized"))?;
                    }
                    Err(ConnectError::Fault(fault)) => return Err(fault),
                    Ok(_) => return Err(Fault::new("an erased person got in")),
                }
            }
            for link in &self.links {
                let path = link.split_once("/messaging/").map_or("", |(_, path)| path);
                same(link, fetch(&format!("{url}/messaging/{path}")).await?.status, 404)?;
            }
        }
        Ok(())
    }

    /// Whether a node has read that the person was erased.
    async fn knows(&self, url: &str) -> Result<(), Fault> {
        let rest = Rest::new(url).with_token(&self.tokens()?[0]);
        wait::until("a node that knows of the erasure", async || {
            let answer = rest.get("/messaging/conversations/unread/total").await?;
            Ok((answer.status == 401).then_some(()))
        })
        .await
    }
}

/// A person's socket that has joined and does not stop, until it is ended.
async fn hammered(socket: Socket, events: Vec<(&'static str, Value)>) -> Result<(), Fault> {
    loop {
        for (name, payload) in &events {
            // The socket ends before the answer, or the answer is a refusal, once it is over.
            if socket.ask(name, payload).await.is_err() {
                return socket.ended().await.map(drop);
            }
        }
    }
}

/// The same over REST, until all is refused.
async fn hammered_rest(rest: Rest, path: String) -> Result<(), Fault> {
    loop {
        let words = json!({ "content": format!("Vite, {MARKER}") });
        let sent = rest.post(&format!("{path}/messages"), &words).await?;
        let subject = json!({ "subject": format!("Vite {MARKER}") });
        let changed = rest.patch(&path, &subject).await?;
        let wish = json!({ "emailFrequency": "DAILY" });
        let wished = rest.patch("/notification-preferences", &wish).await?;
        let name = format!("{MARKER} vite.jpg");
        let picture = small_jpeg();
        let file = FormFile { name: &name, media_type: "image/jpeg", bytes: &picture };
        let uploaded = file.post(&rest, "/messaging/attachments").await?;
        let statuses = [sent.status, changed.status, wished.status, uploaded.status];
        if statuses.iter().all(|status| *status == 401) {
            return Ok(());
        }
    }
}

/// The erasure, while somebody else's change keeps it from its end, and everything is tried.
async fn erased_while_held(nodes: &Nodes) -> Result<(), Fault> {
    let holder = nodes.app.database.client().await?;
    let lock = format!(
        "BEGIN; UPDATE messaging.conversation SET id = id WHERE id = '{}'",
        nodes.conversation
    );
    holder.batch_execute(&lock).await.map_err(Fault::while_doing("hold a conversation"))?;
    let service = nodes.app.rest(&booking_service())?;
    service.delete(&format!("/internal/participants/{ERASED}")).await?.expect(202)?;
    nodes.knows(&nodes.other.url()).await?;
    nodes.try_everything().await?;
    let receipt = service.get(&format!("/internal/erasures/{ERASED}")).await?.expect(200)?;
    same("the erasure goes on", receipt["finishedAt"].is_null(), true)?;
    holder.batch_execute("COMMIT").await.map_err(Fault::while_doing("let go"))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_erased_gets_nothing_and_leaves_nothing_during_and_after_it() -> Result<(), Fault>
{
    let nodes = Nodes::start().await?;
    let [token, _] = nodes.tokens()?;
    let conversation = format!("/messaging/conversations/{}", nodes.conversation);
    let mut trying = vec![];
    for url in nodes.urls() {
        let socket = Socket::connect(&url, &token).await?;
        let here = json!({ "conversationId": nodes.conversation });
        socket.call_ok("join-conversation", &here).await?;
        let rest = Rest::new(&url).with_token(&token);
        trying.push((socket, rest));
    }
    let trying = trying.into_iter().map(|(socket, rest)| async {
        tokio::try_join!(
            hammered(socket, nodes.events()),
            hammered_rest(rest, conversation.clone())
        )
    });
    let trying = futures_util::future::try_join_all(trying);
    tokio::try_join!(trying, erased_while_held(&nodes))?;

    let service = nodes.app.rest(&booking_service())?;
    wait::until("the end of an erasure", async || {
        let path = format!("/internal/erasures/{ERASED}");
        let receipt = service.get(&path).await?.expect(200)?;
        Ok(receipt["finishedAt"].is_string().then_some(()))
    })
    .await?;
    let stored = nodes.app.database.digest().await?;
    nodes.try_everything().await?;
    same("what is stored", nodes.app.database.digest().await?, stored)?;
    let url = nodes.app.database.url();
    same("the word", leak_check::columns_with(&url, MARKER).await?, BTreeSet::new())?;
    let stays: BTreeSet<_> = ID_STAYS_IN.map(str::to_owned).into();
    same("where the id stays", leak_check::columns_with(&url, ERASED).await?, stays)
}
