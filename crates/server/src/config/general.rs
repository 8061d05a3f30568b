use clap::Args;

/// The name of the environment in which nothing for developers is left open.
const PRODUCTION: &str = "production";

/// Where the server runs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "General")]
pub(crate) struct GeneralSettings {
    /// Name of the environment; `production` keeps developers' pages out and refuses `demo`
    #[arg(id = "general-environment", long, env = "NODE_ENV", value_name = "NAME")]
    environment: Option<String>,
}

impl GeneralSettings {
    /// Whether real people use this server.
    pub(crate) fn in_production(&self) -> bool {
        self.environment.as_deref() == Some(PRODUCTION)
    }
}
