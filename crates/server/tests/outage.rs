//! PostgreSQL goes away and comes back: nothing false is answered, and nothing has to be restarted.

use serde_json::{Value, json};
use testkit::{
    Fault,
    database::{Cluster, Database},
    fault::same,
    person::Person,
    rest::Rest,
    socket::Socket,
    test_app::TestApp,
    wait,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

struct Fixture {
    app: TestApp,
    rest: Rest,
    socket: Socket,
    conversation: String,
}

impl Fixture {
    async fn start(cluster: &Cluster) -> Result<Self, Fault> {
        let database = Database::create(&cluster.url("postgres")).await?;
        let app = TestApp::start_on(SERVER, database, &[]).await?;
        let salon = Person::salon("salon-1", "Encre Noire");
        let client = Person::client("client-1", "Camille", "Martin");
        let conversation = app.conversation(&salon, &client).await?;
        let rest = app.rest(&client)?;
        let socket = app.socket(&client).await?;
        Ok(Self { app, rest, socket, conversation })
    }

    fn messages(&self) -> String {
        format!("/messaging/conversations/{}/messages", self.conversation)
    }

    fn message(&self, content: &str) -> Value {
        json!({ "conversationId": self.conversation, "content": content })
    }

    async fn refuses_and_says_so(&self) -> Result<(), Fault> {
        let list = self.rest.get("/messaging/conversations").await?;
        let sent = self.rest.post(&self.messages(), &self.message("a")).await?;
        for answer in [list, sent] {
            same("the status", answer.status, 503)?;
            same("the code", answer.code(), "unavailable")?;
            let seconds = answer.header("retry-after").parse::<u32>();
            same("a time to come again", seconds.is_ok(), true)?;
        }
        let ack = self.socket.call("send-message", &self.message("b")).await?;
        same("the acknowledgement", ack["ok"].as_bool(), Some(false))?;
        let code = ack["error"]["code"].as_str();
        same("its code", code, Some("unavailable"))
    }

    async fn health(&self, path: &str) -> Result<u16, Fault> {
        Ok(self.app.anonymous().get(path).await?.status)
    }

    async fn is_ready(&self, status: u16) -> Result<(), Fault> {
        wait::until(&format!("readiness {status}"), async || {
            let now = self.health("/health/ready").await?;
            Ok((now == status).then_some(()))
        })
        .await
    }

    async fn stored(&self) -> Result<Vec<Value>, Fault> {
        let page = self.rest.get(&self.messages()).await?.expect(200)?;
        Ok(page["data"].as_array().cloned().unwrap_or_default())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_admitted_and_ends_by_itself() -> Result<(), Fault> {
    let mut cluster = testkit::database::durable("test-outage")?;
    let fixture = Fixture::start(&cluster).await?;
    let before = fixture.socket.call_ok("send-message", &fixture.message("avant")).await?;

    cluster.kill_9().map_err(Fault::while_doing("stop the cluster"))?;
    fixture.refuses_and_says_so().await?;
    fixture.is_ready(503).await?;
    same("alive all the same", fixture.health("/health/live").await?, 200)?;

    cluster.restart().map_err(Fault::while_doing("restart the cluster"))?;
    fixture.is_ready(200).await?;
    // The socket of before, and the process of before.
    let after = fixture.socket.call_ok("send-message", &fixture.message("après")).await?;
    let stored: Vec<_> = fixture.stored().await?;
    let ids: Vec<_> = stored.iter().map(|message| &message["id"]).collect();
    same("what is stored", ids, vec![&after["id"], &before["id"]])
}
