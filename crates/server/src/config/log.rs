use clap::{Args, ValueEnum};

/// What is logged, and how.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Log")]
pub(crate) struct LogSettings {
    /// One JSON object a line, or lines for people
    #[arg(
        id = "log-format",
        long,
        env = "LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value = "json"
    )]
    pub(crate) format: Format,

    /// The least important level of ours that is logged
    #[arg(
        id = "log-level",
        long,
        env = "LOG_LEVEL",
        value_name = "LEVEL",
        value_enum,
        default_value = "info"
    )]
    pub(crate) level: Level,

    /// Directives in place of the level, such as `info,api=debug`; libraries stay at `info`
    #[arg(id = "log-filter", long, env = "RUST_LOG", value_name = "DIRECTIVES",
        value_parser = directives)]
    pub(crate) filter: Option<String>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For machines.
    Json,
    /// For people.
    Human,
}

/// A level of importance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// What someone must look at.
    Error,
    /// What someone should look at.
    Warn,
    /// What happened.
    Info,
    /// How it happened.
    Debug,
    /// Every step of it.
    Trace,
}

impl Level {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

fn directives(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must be directives such as `info,api=debug`".to_owned()),
    }
}
