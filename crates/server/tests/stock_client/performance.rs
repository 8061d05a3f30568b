//! One performance: a server, a stagehand, and a player who reports how it went.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Fault, chromium::Chromium, clients, person::Person, test_app::TestApp, wait};
use tokio::process::{Child, Command};

use crate::{
    SERVER,
    stagehand::{Cue, Stagehand},
};

/// How long a whole performance may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where the library runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Theatre {
    Node,
    Chromium,
}

/// What the front end has set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Setting {
    /// Nothing: polling, then the upgrade.
    Default,
    WebSocketOnly,
    PollingOnly,
}

/// Whether the server compresses what goes over WebSockets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Compression {
    Off,
    On,
}

impl Compression {
    fn is_on(self) -> bool {
        matches!(self, Self::On)
    }

    fn setting(self) -> &'static str {
        if self.is_on() { "on" } else { "off" }
    }
}

impl Setting {
    fn options(self) -> Value {
        match self {
            Self::Default => json!({}),
            Self::WebSocketOnly => json!({ "transports": ["websocket"] }),
            Self::PollingOnly => json!({ "transports": ["polling"] }),
        }
    }

    /// What the connection ends up with.
    fn transport(self) -> &'static str {
        match self {
            Self::Default | Self::WebSocketOnly => "websocket",
            Self::PollingOnly => "polling",
        }
    }
}

/// Whoever plays; gone when dropped.
#[expect(dead_code, reason = "held for as long as it is to run")]
enum Player {
    Node(Child),
    Chromium(Chromium),
}

/// Plays the scenario, and fails with the first thing that is not as it must be.
pub(crate) async fn perform(
    theatre: Theatre,
    setting: Setting,
    compression: Compression,
) -> Result<(), Fault> {
    let mut stagehand = Stagehand::employ(clients::folder())?;
    let front = stagehand.url();
    let settings = [("FRONT_URL", &*front), ("REALTIME_COMPRESSION", compression.setting())];
    let mut stage = TestApp::start_with(SERVER, &settings).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    stagehand.hand_out(&json!({
        "url": stage.server.url(),
        "conversationId": stage.conversation(&salon, &client).await?,
        "tokens": { "salon": stage.token(&salon)?, "client": stage.token(&client)? },
        "ids": { "salon": salon.id, "client": client.id },
        "options": setting.options(),
        "transport": setting.transport(),
        "compressed": compression.is_on(),
    }));
    let _player = enter(theatre, &stagehand.url())?;
    let play = serve(&mut stage, &mut stagehand);
    wait::at_most(PATIENCE, "the end of the performance", play).await?
}

fn enter(theatre: Theatre, stagehand: &str) -> Result<Player, Fault> {
    match theatre {
        Theatre::Node => {
            let node = Command::new("node")
                .current_dir(clients::folder())
                .args(["perform-in-node.mjs", stagehand])
                .kill_on_drop(true)
                .spawn();
            node.map(Player::Node).map_err(Fault::while_doing("run node"))
        }
        Theatre::Chromium => {
            let page = format!("{stagehand}/perform-in-browser.html");
            Chromium::visit(&page).map(Player::Chromium)
        }
    }
}

/// Does what the player asks for, until there is a result.
async fn serve(stage: &mut TestApp, stagehand: &mut Stagehand) -> Result<(), Fault> {
    loop {
        match stagehand.cue().await? {
            Cue::Restart(done) => {
                stage.server.kill_9().await?;
                stage.server.restart().await?;
                // Whoever asked may have left; the result says so then.
                done.send(()).ok();
            }
            Cue::Result(failure) if failure.is_empty() => return Ok(()),
            Cue::Result(failure) => return Err(Fault::new(failure)),
        }
    }
}
