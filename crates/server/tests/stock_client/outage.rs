//! Whoever comes while PostgreSQL is down is let in when it is back, with no code of the front end.

use std::process::Stdio;

use testkit::{
    Fault, clients,
    database::{Cluster, Database},
    fault::same,
    person::Person,
    test_app::TestApp,
    wait,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::SERVER;

/// Somebody's page, and what it reports.
struct Page {
    _node: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Page {
    fn open(url: &str, token: &str, transports: &str) -> Result<Self, Fault> {
        let mut node = Command::new("node")
            .current_dir(clients::folder())
            .args(["outage.mjs", url, token, transports])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Fault::while_doing("run node"))?;
        let stdout = node.stdout.take().ok_or_else(|| Fault::new("node has no output"))?;
        Ok(Self { _node: node, lines: BufReader::new(stdout).lines() })
    }

    async fn next(&mut self) -> Result<String, Fault> {
        let line = wait::within("something on the page", self.lines.next_line()).await?;
        let line = line.map_err(Fault::while_doing("read what node says"))?;
        line.ok_or_else(|| Fault::new("the page gave up"))
    }

    /// Waits until it is connected, and on the way hears of nothing but connections that ended.
    async fn connects(&mut self) -> Result<(), Fault> {
        loop {
            let line = self.next().await?;
            if line == "connect" {
                return Ok(());
            }
            same("what happens until then", &*line, "disconnect: transport close")?;
        }
    }
}

async fn comes_during_an_outage(transports: &str) -> Result<(), Fault> {
    let mut cluster: Cluster = testkit::database::durable(&format!("test-outage-{transports}"))?;
    let database = Database::create(&cluster.url("postgres")).await?;
    let app = TestApp::start_on(SERVER, database, &[]).await?;
    let token = app.token(&Person::client("client-1", "Camille", "Martin"))?;
    cluster.kill_9().map_err(Fault::while_doing("stop the cluster"))?;

    let mut page = Page::open(&app.server.url(), &token, transports)?;
    // It is turned away, more than once, and never for good.
    for _ in 0..2 {
        same("what happens first", &*page.next().await?, "disconnect: transport close")?;
    }
    cluster.restart().map_err(Fault::while_doing("restart the cluster"))?;
    page.connects().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_came_during_an_outage_connects_by_itself_over_websocket() -> Result<(), Fault>
{
    comes_during_an_outage("websocket").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_came_during_an_outage_connects_by_itself_over_polling() -> Result<(), Fault>
{
    comes_during_an_outage("polling").await
}
