//! The messaging server: reads its configuration, builds the parts, and runs the verb of the command line.
//!
//! Begin at `serve`, which builds everything on one screen. `settings` has one typed section for each concern, which
//! `load` reads and checks before anything starts; `http` accepts connections, `jobs` runs background jobs, `commands` are the other verbs.

mod cli;
mod commands;
mod database;
mod error;
mod http;
mod jobs;
mod load;
mod mail;
mod ports;
mod serve;
mod settings;
mod signals;
mod telemetry;
mod tokens;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use cli::{ConfigVerb, Verb};
use error::RunError;
use load::{Loaded, Refusal, Start};
use telemetry::ClientEvents;

/// See ADR 11.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The exit code for a wrong configuration or command line.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let start = Start::of_this_process();
    match load::verb(&start) {
        Ok(Verb::Openapi) => print(&api::openapi_json()),
        Ok(Verb::OpenapiInternal) => print(&api::openapi_internal_json()),
        Ok(Verb::Asyncapi) => print(&api::asyncapi_json()),
        Ok(Verb::Config(ConfigVerb::Docs)) => print(&settings::setting::table()),
        Ok(verb) => load::load(&start).map_or_else(refuse, |loaded| perform(verb, loaded)),
        Err(refusal) => refuse(refusal),
    }
}

fn perform(verb: Verb, loaded: Loaded) -> ExitCode {
    if verb == Verb::Config(ConfigVerb::Check) {
        return print(&loaded.effective.to_string());
    }
    let client_events = match telemetry::start(&loaded.config.log) {
        Ok(client_events) => client_events,
        Err(cause) => return say(&cause.to_string(), ExitCode::FAILURE),
    };
    loaded.announce();
    match actix_web::rt::System::new().block_on(run(verb, loaded, client_events)) {
        Ok(output) => print(&output),
        Err(cause) => {
            tracing::error!(cause = cause.chain(), "the program ends");
            if cause.is_misuse() { ExitCode::from(MISUSED) } else { ExitCode::FAILURE }
        }
    }
}

/// Runs `verb`, and returns its output.
async fn run(
    verb: Verb,
    Loaded { config, source, .. }: Loaded,
    client_events: ClientEvents,
) -> Result<String, RunError> {
    match verb {
        Verb::Migrate => database::migrate(&config.database).await,
        Verb::Demo => commands::demo::perform(&config).await,
        Verb::Import(args) => commands::import::perform(&args, source, &config).await,
        Verb::Mail(verb) => commands::mail::perform(&verb, &config).await,
        Verb::Erase(args) => commands::erase::perform(&args, &config).await,
        Verb::Audit(verb) => commands::audit::perform(&verb, &config).await,
        Verb::Retention(verb) => commands::retention::perform(&verb, &config).await,
        Verb::Jobs(verb) => commands::jobs::perform(&verb, &config).await,
        Verb::Serve | Verb::Config(_) | Verb::Openapi | Verb::OpenapiInternal | Verb::Asyncapi => {
            serve::serve(config, client_events).await.map(|()| String::new())
        }
    }
}

fn refuse(refusal: Refusal) -> ExitCode {
    match refusal {
        Refusal::Usage(usage) => usage.exit(),
        Refusal::Faults(lines) => say(&lines, ExitCode::from(MISUSED)),
    }
}

/// Prints the output of a verb.
fn print(output: &str) -> ExitCode {
    match io::stdout().write_all(output.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Prints an error. If that fails, only the exit code tells of it.
fn say(text: &str, code: ExitCode) -> ExitCode {
    io::stderr().write_all(text.as_bytes()).map_or(ExitCode::FAILURE, |()| code)
}
