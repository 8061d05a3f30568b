use clap::Args;
use domain::time::Zone;

/// Reports about bookings.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Appointments")]
pub(crate) struct AppointmentSettings {
    /// Time zone of a salon of which neither the report nor the directory knows one
    #[arg(id = "appointments-time-zone", long, env = "APPOINTMENTS_TIME_ZONE",
        value_name = "IANA name", default_value = "Europe/Paris", value_parser = zone)]
    time_zone: Zone,
}

impl AppointmentSettings {
    /// See the setting.
    pub(super) fn zone(&self) -> Zone {
        self.time_zone.clone()
    }
}

fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).map_err(|_| "must be a time zone such as Europe/Paris".to_owned())
}
