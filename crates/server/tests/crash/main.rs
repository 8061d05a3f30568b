//! What was acknowledged is stored once, whichever process is killed (G1, G2, G3).

mod evidence;
mod sender;

use sender::{Receipts, Sender};
use testkit::{
    Fault,
    database::{self, Database},
    person::Person,
    test_app::TestApp,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const ROUNDS: usize = 20;
/// What each side says in a round.
const MESSAGES: usize = 30;

fn salon() -> Person {
    Person::salon("salon-1", "Encre Noire")
}

fn client() -> Person {
    Person::client("client-1", "Camille", "Martin")
}

/// Both sides, each with something to say.
fn senders(app: &TestApp, conversation: &str, receipts: &Receipts) -> Result<[Sender; 2], Fault> {
    let sender = |person: Person, token: String| Sender {
        url: app.server.url(),
        token,
        author: person.id,
        conversation: conversation.to_owned(),
        receipts: receipts.clone(),
    };
    let tokens = [app.token(&salon())?, app.token(&client())?];
    let [of_salon, of_client] = tokens;
    Ok([sender(salon(), of_salon), sender(client(), of_client)])
}

#[tokio::test]
async fn a_killed_server_loses_and_doubles_nothing() -> Result<(), Fault> {
    let mut app = TestApp::start(SERVER).await?;
    let conversation = app.conversation(&salon(), &client()).await?;
    let receipts = Receipts::default();
    let [salon, client] = senders(&app, &conversation, &receipts)?;
    for round in 0..ROUNDS {
        let crash = async {
            // Each round at another moment, from the first acknowledgement to the last but one.
            let acknowledged = 1 + (round * 7) % (2 * MESSAGES - 1);
            receipts.reach(2 * MESSAGES * round + acknowledged).await?;
            app.server.kill_9().await?;
            app.server.restart().await
        };
        tokio::try_join!(salon.say(round, MESSAGES), client.say(round, MESSAGES), crash)?;
    }
    assert!(receipts.retries() > 0, "no crash hit anything under way");
    let receipts = receipts.take();
    assert_eq!(receipts.len(), ROUNDS * MESSAGES * 2);
    evidence::check(&app.database, &conversation, &receipts).await
}

#[tokio::test]
async fn a_killed_postgresql_loses_and_doubles_nothing() -> Result<(), Fault> {
    let cluster = database::durable("test-crash")?;
    let database = Database::create(&cluster.url("postgres")).await?;
    let app = TestApp::start_on(SERVER, database, &[]).await?;
    let conversation = app.conversation(&salon(), &client()).await?;

    let receipts = Receipts::default();
    let [salon, client] = senders(&app, &conversation, &receipts)?;
    let crash = async {
        receipts.reach(MESSAGES / 2).await?;
        database::power_cut(cluster).await
    };
    let (_cluster, (), ()) =
        tokio::try_join!(crash, salon.say(0, MESSAGES), client.say(0, MESSAGES))?;

    assert!(receipts.retries() > 0, "no crash hit anything under way");
    let receipts = receipts.take();
    assert_eq!(receipts.len(), MESSAGES * 2);
    evidence::check(&app.database, &conversation, &receipts).await
}
