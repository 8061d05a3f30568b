//! A headless Chromium, controlled over the DevTools protocol.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};
use xtask::{
    child_guard::ChildGuard,
    process::{Signal, send_to_group},
    workspace,
};

use crate::{
    Fault, database,
    test_app::text,
    wait::{self, POLL_INTERVAL, TIMEOUT, within},
};

/// Headless, without extensions, background traffic or throttling.
const OPTIONS: [&str; 15] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    // Background windows are not throttled.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];

/// A running Chromium. Killed, and its profile removed, when this value is dropped; also killed when our
/// process ends.
#[derive(Debug)]
pub struct Chromium {
    child: Child,
    profile: PathBuf,
    _guard: ChildGuard,
}

impl Chromium {
    /// Opens a page.
    ///
    /// # Errors
    /// When Chromium cannot be started.
    pub fn visit(url: &str) -> Result<Self, Fault> {
        Self::start(&[url])
    }

    /// Starts without a page; [`tab`](Self::tab) opens pages.
    ///
    /// # Errors
    /// When Chromium cannot be started.
    pub fn open() -> Result<Self, Fault> {
        Self::start(&["--remote-debugging-port=0", "about:blank"])
    }

    /// Opens a page in its own browser context, which shares nothing with other tabs.
    ///
    /// # Errors
    /// When this Chromium was not started with [`open`](Self::open), or the page does not open.
    pub async fn tab(&self, url: &str) -> Result<Tab, Fault> {
        let port_file = self.profile.join("DevToolsActivePort");
        // Written when it listens: the port, then the path of the WebSocket on a second line.
        let port_file = wait::until("Chromium's port", async || {
            let port_file = fs::read_to_string(&port_file).unwrap_or_default();
            Ok(port_file.split_once('\n').map(|(port, path)| (port.to_owned(), path.to_owned())))
        });
        let (port, path) = port_file.await?;
        let address = format!("ws://127.0.0.1:{port}");
        let browser = Devtools::open(&format!("{address}{path}")).await?;
        Tab::open(browser, &address, url).await
    }

    fn start(arguments: &[&str]) -> Result<Self, Fault> {
        let profile = workspace::target().join("testkit").join(database::id("chromium"));
        let child = Command::new("chromium")
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // One process group with its child processes, so that they are killed together.
            .process_group(0)
            .spawn()
            .map_err(Fault::while_doing("run chromium"))?;
        let guard =
            ChildGuard::watch(child.id()).map_err(Fault::while_doing("watch over chromium"))?;
        Ok(Self { child, profile, _guard: guard })
    }

    fn end(&mut self) -> io::Result<()> {
        send_to_group(Signal::Kill, self.child.id())?;
        self.child.wait()?;
        fs::remove_dir_all(&self.profile)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Ignored: leftovers do no harm.
        self.end().ok();
    }
}

// The DevTools protocol.

/// A connection to a browser or one of its pages.
#[derive(Debug)]
struct Devtools {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
    exceptions: Vec<String>,
}

impl Devtools {
    /// Connects to this address.
    async fn open(url: &str) -> Result<Self, Fault> {
        let opened = within("the browser", connect_async(url)).await?;
        let (socket, _) = opened.map_err(Fault::while_doing("connect to the browser"))?;
        Ok(Self { socket, last_id: 0, exceptions: Vec::new() })
    }

    /// Calls a method and waits for its result.
    async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Fault> {
        self.last_id += 1;
        let question = json!({ "id": self.last_id, "method": method, "params": params });
        let sent = self.socket.send(Message::text(question.to_string())).await;
        sent.map_err(Fault::while_doing(method))?;
        within(method, self.answer(method)).await?
    }

    /// The uncaught exceptions of the page so far.
    fn exceptions(&self) -> &[String] {
        &self.exceptions
    }

    async fn answer(&mut self, method: &str) -> Result<Value, Fault> {
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message.map_err(Fault::while_doing(method))? else {
                continue;
            };
            let mut message: Value =
                serde_json::from_str(&text).map_err(Fault::while_doing(method))?;
            if message["method"] == "Runtime.exceptionThrown" {
                self.exceptions.push(message["params"]["exceptionDetails"].to_string());
            }
            if message["id"] == self.last_id {
                return match message.get("error") {
                    None => Ok(message["result"].take()),
                    Some(error) => Err(Fault::new(format!("{method}: {error}"))),
                };
            }
        }
        Err(Fault::new(format!("{method}: the browser is gone")))
    }
}

// A page and its input.

/// A page.
#[derive(Debug)]
pub struct Tab {
    page: Devtools,
    // The browser context is disposed of when this connection closes.
    _browser: Devtools,
}

impl Tab {
    /// Opens a URL in a new browser context.
    async fn open(mut browser: Devtools, address: &str, url: &str) -> Result<Self, Fault> {
        let own = json!({ "disposeOnDetach": true });
        let context = browser.ask("Target.createBrowserContext", own).await?;
        let blank = json!({
            "url": "about:blank",
            "browserContextId": context["browserContextId"],
            "newWindow": true,
        });
        let target = text(&browser.ask("Target.createTarget", blank).await?, "targetId")?;
        let mut page = Devtools::open(&format!("{address}/devtools/page/{target}")).await?;
        page.ask("Runtime.enable", json!({})).await?;
        let mut tab = Self { page, _browser: browser };
        tab.go_to(url).await?;
        Ok(tab)
    }

    /// Navigates to another URL.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub async fn go_to(&mut self, url: &str) -> Result<(), Fault> {
        let navigated = self.page.ask("Page.navigate", json!({ "url": url })).await?;
        match navigated.get("errorText") {
            None => Ok(()),
            Some(error) => Err(Fault::new(format!("{url}: {error}"))),
        }
    }

    /// Loads the page again. An evaluation that reloads may lose its answer to the navigation it starts.
    ///
    /// # Errors
    /// When the page is gone.
    pub async fn reload(&mut self) -> Result<(), Fault> {
        self.page.ask("Page.reload", json!({})).await.map(drop)
    }

    /// Goes back to the page before, for the same reason not by an evaluation.
    ///
    /// # Errors
    /// When there is none, or the page is gone.
    pub async fn go_back(&mut self) -> Result<(), Fault> {
        let history = self.page.ask("Page.getNavigationHistory", json!({})).await?;
        let before = history["currentIndex"].as_u64().and_then(|index| index.checked_sub(1));
        let before = before.ok_or_else(|| Fault::new("there is no page to go back to"))?;
        let entry = &history["entries"][usize::try_from(before).unwrap_or_default()]["id"];
        self.page.ask("Page.navigateToHistoryEntry", json!({ "entryId": entry })).await.map(drop)
    }

    /// Focuses the element with this selector. Not by a mouse click, which would miss an element that
    /// moves.
    ///
    /// # Errors
    /// When there is no such element.
    pub async fn focus(&mut self, selector: &str) -> Result<(), Fault> {
        self.evaluate(&format!("document.querySelector({selector:?}).focus()")).await.map(drop)
    }

    /// Types a text into the focused element, key by key.
    ///
    /// # Errors
    /// When the page is gone.
    pub async fn type_text(&mut self, words: &str) -> Result<(), Fault> {
        for key in words.chars().map(String::from) {
            self.press(json!({ "key": key, "text": key })).await?;
        }
        Ok(())
    }

    /// Presses the Enter key.
    ///
    /// # Errors
    /// When the page is gone.
    pub async fn press_enter(&mut self) -> Result<(), Fault> {
        let enter = json!({
            "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13,
        });
        self.press(enter).await
    }

    async fn press(&mut self, key: Value) -> Result<(), Fault> {
        for kind in ["keyDown", "keyUp"] {
            let mut event = key.clone();
            event["type"] = kind.into();
            if kind == "keyUp"
                && let Some(event) = event.as_object_mut()
            {
                event.remove("text");
            }
            self.page.ask("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }

    /// Evaluates an expression in the page, and awaits it if it is a promise.
    ///
    /// # Errors
    /// When it throws.
    pub async fn evaluate(&mut self, expression: &str) -> Result<Value, Fault> {
        let question =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.page.ask("Runtime.evaluate", question).await?;
        match answer.get("exceptionDetails") {
            None => Ok(answer["result"]["value"].take()),
            Some(details) => Err(Fault::new(format!("{expression}: {details}"))),
        }
    }

    /// Waits until an expression has this value.
    ///
    /// # Errors
    /// When it does not in time; shows its value.
    pub async fn becomes(&mut self, expression: &str, expected: &Value) -> Result<(), Fault> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            // During a navigation the evaluation may fail.
            let found = self.evaluate(expression).await;
            match found {
                Ok(found) if found == *expected => return Ok(()),
                found if Instant::now() > deadline => {
                    return Err(Fault::new(format!(
                        "{expression}: expected {expected}, found {found:?}"
                    )));
                }
                _ => sleep(POLL_INTERVAL).await,
            }
        }
    }

    /// Closes the page, as a user does.
    ///
    /// # Errors
    /// When the page is gone already.
    pub async fn close(mut self) -> Result<(), Fault> {
        self.page.ask("Page.close", json!({})).await.map(drop)
    }

    /// The uncaught exceptions of the page received so far.
    pub fn exceptions(&self) -> &[String] {
        self.page.exceptions()
    }
}
