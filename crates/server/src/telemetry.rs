//! Logging, and what is never logged.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, IsTerminal},
    panic::PanicHookInfo,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt, filter_fn},
    fmt::{self, MakeWriter},
    layer::{Context, Filter, SubscriberExt},
    registry::LookupSpan,
    util::{SubscriberInitExt, TryInitError},
};

use crate::settings::{Format, LogSettings};

/// Our crates, as log targets name them.
const OURS: [&str; 10] = [
    "api",
    "auth_jwt",
    "domain",
    "exporter",
    "importer",
    "mailer",
    "media",
    "messaging_server",
    "socketio",
    "storage_pg",
];

/// Starts logging to standard error for the whole process, panics included. Standard output is for the output of verbs.
/// Returns the counts of what clients cause, which is not written line by line.
///
/// # Errors
/// When logging was already started.
pub(crate) fn start(settings: &LogSettings) -> Result<ClientEvents, TryInitError> {
    let (layer, counts) =
        (layer(settings, io::stderr, io::stderr().is_terminal()), ClientEvents::default());
    tracing_subscriber::registry().with(layer).with(counting(counts.clone())).try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(counts)
}

// What any client can cause, as often as it likes, is counted and summed up: a log that strangers can fill hides what matters.

/// The field that marks our own records of what a client caused.
const BY_CLIENT: &str = "by_client";
/// Where the HTTP library logs what clients send and how their connections end: malformed heads as errors.
const HTTP_CONNECTIONS: [&str; 3] =
    ["actix_http::h1::dispatcher", "actix_http::h1::decoder", "actix_http::h2::dispatcher"];
/// How many kinds of records are told apart; each place in the code is one.
const KINDS_MAX: usize = 64;
/// The period of which one line tells.
const SUMMARY_INTERVAL: Duration = Duration::from_mins(1);

fn is_by_client(metadata: &Metadata<'_>) -> bool {
    metadata.fields().field(BY_CLIENT).is_some() || HTTP_CONNECTIONS.contains(&metadata.target())
}

/// How often clients caused what. Cheap to clone; clones share the counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientEvents(Arc<Mutex<BTreeMap<String, u64>>>);

impl ClientEvents {
    fn count(&self, kind: String) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = counts.contains_key(&kind) || counts.len() < KINDS_MAX;
        *counts.entry(if is_known { kind } else { "others".to_owned() }).or_default() += 1;
    }

    /// The counts since the last call; `None` if there is nothing to tell.
    fn take(&self) -> Option<String> {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut summary = String::new();
        for (kind, count) in &counts {
            let separator = if summary.is_empty() { "" } else { "; " };
            // Writing to text does not fail.
            let _infallible = write!(summary, "{separator}{count} x {kind}");
        }
        (!summary.is_empty()).then_some(summary)
    }

    fn log(&self) {
        if let Some(events) = self.take() {
            tracing::info!(events, "caused by clients in the last minute");
        }
    }

    /// Writes one line a minute, if there is something to tell.
    pub(crate) async fn summarise(self) {
        let mut ticks = interval(SUMMARY_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.log();
        }
    }
}

/// Counts what clients caused, whatever the level and the directives of the log.
struct Counting(ClientEvents);

fn counting<S: Subscriber + for<'a> LookupSpan<'a>>(counts: ClientEvents) -> impl Layer<S> {
    let is_counted =
        |metadata: &Metadata<'_>| *metadata.level() <= Level::INFO && is_by_client(metadata);
    Counting(counts).with_filter(filter_fn(is_counted))
}

impl<S: Subscriber> Layer<S> for Counting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let target = event.metadata().target();
        // The message of a library may quote what a client sent.
        let mut message = Message { text: target.to_owned(), reason: None };
        if is_ours(target) {
            event.record(&mut message);
        }
        self.0.count(match message {
            Message { text, reason: Some(reason) } => format!("{text} ({reason})"),
            Message { text, reason: None } => text,
        });
    }
}

/// The text of a record, with the reason that it names, if it does. Reasons of ours are words of the code.
struct Message {
    text: String,
    reason: Option<String>,
}

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "reason" {
            self.reason = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.text = format!("{value:?}");
        }
    }
}

fn layer<W>(
    settings: &LogSettings,
    writer: W,
    colours: bool,
) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer);
    match settings.format {
        Format::Json => lines.json().flatten_event(true).with_filter(filter(settings)).boxed(),
        Format::Human => lines.with_ansi(colours).with_filter(filter(settings)).boxed(),
    }
}

/// The configured level or directives, and nothing of libraries below `info`: there the database driver logs the values
/// of every statement, and so the text of every message.
fn filter(settings: &LogSettings) -> impl Filter<Registry> + Send + Sync + 'static {
    let directives = settings.filter.as_deref().unwrap_or(settings.level.as_str());
    EnvFilter::new(directives).and(filter_fn(|record: &Metadata<'_>| {
        (*record.level() <= Level::INFO || is_ours(record.target())) && !is_by_client(record)
    }))
}

fn is_ours(target: &str) -> bool {
    let name = target.split("::").next();
    name.is_some_and(|name| OURS.contains(&name))
}

/// Logs where a thread panicked. Its message is logged only if it is a literal: one that was formatted may contain
/// anything.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let literal = panic.payload().downcast_ref::<&'static str>().copied();
    let place = panic.location().map(ToString::to_string);
    let thread = std::thread::current();
    tracing::error!(
        panic.message = literal,
        panic.place = place,
        thread = thread.name(),
        "a thread panicked"
    );
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::settings::Level as Configured;

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no writer panicked").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, filter: Option<&str>, work: impl FnOnce()) -> String {
        let filter = filter.map(str::to_owned);
        let settings = LogSettings { format, level: Configured::Info, filter };
        let memory = Memory::default();
        let writer = memory.clone();
        let layer = layer(&settings, move || writer.clone(), false);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        let bytes = memory.0.lock().expect("no writer panicked").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn libraries_never_log_below_info() {
        let log = logged(Format::Human, Some("trace"), || {
            tracing::debug!(target: "tokio_postgres::query", "canary value");
            tracing::trace!(target: "apiary", "canary neighbour");
            tracing::info!(target: "tokio_postgres", "connected");
            tracing::trace!(target: "storage_pg::pool", "ours");
        });
        assert!(!log.contains("canary"), "{log}");
        assert!(log.contains("connected") && log.contains("ours"), "{log}");
    }

    #[test]
    fn every_crate_that_the_server_is_made_of_may_log_below_info() {
        // `name.workspace = true` and `name = { workspace = true, … }`, of the server and of its parts.
        let dependencies = |manifest: &str| -> BTreeSet<String> {
            let text = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
            let names = text.lines().take_while(|line| !line.starts_with('['));
            names
                .filter_map(|line| Some(line.split(['.', ' ']).next()?.replace('-', "_")))
                .collect()
        };
        let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut ours = BTreeSet::from([env!("CARGO_CRATE_NAME").to_owned()]);
        let server = dependencies(include_str!("../Cargo.toml"));
        for folder in std::fs::read_dir(crates).expect("the folder of our crates") {
            let name = folder.expect("a crate").file_name().into_string().expect("a name");
            ours.extend(Some(name.replace('-', "_")).filter(|name| server.contains(name)));
        }
        assert_eq!(ours, OURS.map(str::to_owned).into());
    }

    #[test]
    fn what_clients_cause_is_counted_and_summed_up_in_one_line() {
        let counts = ClientEvents::default();
        let memory = Memory::default();
        let writer = memory.clone();
        let settings = LogSettings { format: Format::Human, level: Configured::Info, filter: None };
        let layers = tracing_subscriber::registry()
            .with(layer(&settings, move || writer.clone(), false))
            .with(counting(counts.clone()));
        tracing::subscriber::with_default(layers, || {
            for number in 0..1_000 {
                tracing::error!(target: "actix_http::h1::dispatcher", "canary {number}");
                tracing::warn!(target: "api", by_client = true, number, reason = "slow", "a client reads slowly");
            }
            tracing::error!(target: "api", "a fault of ours");
            counts.log();
            counts.log();
        });
        let bytes = memory.0.lock().expect("no writer panicked").clone();
        let log = String::from_utf8(bytes).expect("text");
        assert_eq!(log.lines().count(), 2, "{log}");
        assert!(log.contains("a fault of ours") && !log.contains("canary"), "{log}");
        assert!(
            log.contains("1000 x a client reads slowly (slow); 1000 x actix_http::h1::dispatcher"),
            "{log}"
        );
    }

    #[test]
    fn kinds_of_records_are_bounded() {
        let counts = ClientEvents::default();
        for number in 0..1_000 {
            counts.count(number.to_string());
        }
        assert_eq!(counts.0.lock().expect("nobody panicked").len(), KINDS_MAX + 1);
        assert!(counts.take().is_some_and(|summary| summary.contains("936 x others")));
        assert_eq!(counts.take(), None);
    }

    #[test]
    fn what_is_below_the_level_is_not_logged() {
        let log = logged(Format::Human, None, || {
            tracing::debug!(target: "api", "too fine");
            tracing::info!(target: "api", "just right");
        });
        assert!(log.contains("just right") && !log.contains("too fine"), "{log}");
    }

    #[test]
    fn json_is_one_object_a_line_and_people_get_no_colours_in_a_file() {
        let say = || tracing::warn!(target: "api", answer = 42, "listen");
        let json = logged(Format::Json, None, say);
        let object: serde_json::Value = serde_json::from_str(json.trim()).expect("one object");
        assert_eq!((&object["message"], &object["answer"]), (&"listen".into(), &42.into()));
        assert!(!logged(Format::Human, None, say).contains('\u{1b}'));
    }

    #[test]
    fn a_panic_is_logged_with_its_place_and_no_formatted_text() {
        let caught = |panic: fn()| {
            logged(Format::Json, None, || {
                let before = std::panic::take_hook();
                std::panic::set_hook(Box::new(log_panic));
                let outcome = std::panic::catch_unwind(panic);
                std::panic::set_hook(before);
                assert!(outcome.is_err());
            })
        };
        let log = caught(|| panic!("{}", String::from("canary")));
        assert!(log.contains("telemetry.rs") && !log.contains("canary"), "{log}");
        assert!(caught(|| panic!("a fixed text")).contains("a fixed text"));
    }
}
