//! The calls that the guide to the internal interface shows are taken by a real server.

use testkit::{Fault, appointment::booking_service, fault::same, test_app::TestApp};
use tokio::process::Command;

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const GUIDE: &str = include_str!("../../../docs/internal-api.md");

/// Does what the guide asks of `curl`, which need not be on this machine, and prints what was answered.
const CURL: &str = r#"
let url;
const options = { headers: {} };
const given = process.argv.slice(1);
while (given.length > 0) {
  const word = given.shift();
  if (word === "-X") options.method = given.shift();
  else if (word === "-d") options.body = given.shift();
  else if (word === "-H") {
    const [name, value] = given.shift().split(": ");
    options.headers[name] = value;
  }
  else url = word;
}
const answer = await fetch(url, options);
console.log(options.method, new URL(url).pathname, answer.status);
"#;

/// What stands in the guide to be pasted into a shell.
fn calls() -> String {
    let blocks = GUIDE.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default()).collect()
}

#[tokio::test]
async fn what_the_guide_sends_is_taken() -> Result<(), Fault> {
    let app = TestApp::start(SERVER).await?;
    let script =
        format!("curl() {{ node --input-type=module -e \"$CURL\" -- \"$@\"; }}\n{}", calls());
    let ran = Command::new("sh")
        .args(["-e", "-c", &script])
        .env("CURL", CURL)
        .env("BASE", app.server.url())
        .env("TOKEN", app.token(&booking_service())?)
        .output()
        .await
        .map_err(Fault::while_doing("run a shell"))?;
    let output = String::from_utf8_lossy(&ran.stdout);
    let is_taken = |line: &str| line.rsplit(' ').next().is_some_and(|code| code.starts_with('2'));
    let refused: Vec<_> = output.lines().filter(|line| !is_taken(line)).collect();
    same("what was refused", refused, vec![])?;
    let shown = GUIDE.matches("\ncurl ").count() + GUIDE.matches("\nreport ").count();
    same("the calls", output.lines().count(), shown)
}
