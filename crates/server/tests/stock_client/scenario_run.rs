//! One run of the scenario: the server, a control server, and a client that reports the result.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Fault, chromium::Chromium, clients, person::Person, test_app::TestApp, wait};
use tokio::process::{Child, Command};

use crate::{
    SERVER,
    control_server::{ClientRequest, ControlServer},
};

/// How long a run may take.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Where the library runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runtime {
    Node,
    Chromium,
}

/// The transports of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Setting {
    /// Polling, then the upgrade.
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

    /// The transport that the client ends with.
    fn transport(self) -> &'static str {
        match self {
            Self::Default | Self::WebSocketOnly => "websocket",
            Self::PollingOnly => "polling",
        }
    }
}

/// The process of the client; killed when dropped.
#[expect(dead_code, reason = "kept alive until the run ends")]
enum RunningClient {
    Node(Child),
    Chromium(Chromium),
}

/// Runs the scenario, and fails with the first difference.
pub(crate) async fn run_scenario(
    runtime: Runtime,
    setting: Setting,
    compression: Compression,
) -> Result<(), Fault> {
    let mut control_server = ControlServer::start(clients::folder())?;
    let front = control_server.url();
    let settings = [("FRONT_URL", &*front), ("REALTIME_COMPRESSION", compression.setting())];
    let mut app = TestApp::start_with(SERVER, &settings).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    control_server.set_script(&json!({
        "url": app.server.url(),
        "conversationId": app.conversation(&salon, &client).await?,
        "tokens": { "salon": app.token(&salon)?, "client": app.token(&client)? },
        "ids": { "salon": salon.id, "client": client.id },
        "options": setting.options(),
        "transport": setting.transport(),
        "compressed": compression.is_on(),
    }));
    let _running = start_client(runtime, &control_server.url())?;
    let serving = serve(&mut app, &mut control_server);
    wait::at_most(TIMEOUT, "the end of the scenario", serving).await?
}

fn start_client(runtime: Runtime, control_server: &str) -> Result<RunningClient, Fault> {
    match runtime {
        Runtime::Node => {
            let node = Command::new("node")
                .current_dir(clients::folder())
                .args(["perform-in-node.mjs", control_server])
                .kill_on_drop(true)
                .spawn();
            node.map(RunningClient::Node).map_err(Fault::while_doing("run node"))
        }
        Runtime::Chromium => {
            let page = format!("{control_server}/perform-in-browser.html");
            Chromium::visit(&page).map(RunningClient::Chromium)
        }
    }
}

/// Carries out the requests of the client until it reports a result.
async fn serve(app: &mut TestApp, control_server: &mut ControlServer) -> Result<(), Fault> {
    loop {
        match control_server.next_request().await? {
            ClientRequest::Restart(done) => {
                app.server.kill_9().await?;
                app.server.restart().await?;
                // The client may be gone; then the result says so.
                done.send(()).ok();
            }
            ClientRequest::Result(failure) if failure.is_empty() => return Ok(()),
            ClientRequest::Result(failure) => return Err(Fault::new(failure)),
        }
    }
}
