use api::limits::{ClientAddressHeader, Rate, Settings};
use clap::{Args, ValueEnum};

use super::value::{Switch, whole};

/// Rate limits.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rate limits")]
pub(crate) struct LimitSettings {
    /// Whether rate limits are enforced
    #[arg(
        id = "limits-enabled",
        long,
        env = "RATE_LIMITS",
        value_name = "SWITCH",
        value_enum,
        default_value = "on"
    )]
    enabled: Switch,

    /// Burst of REST requests from one address; a server that renders pages is one address
    #[arg(id = "limits-requests-per-address-burst", long,
        env = "LIMITS_REQUESTS_PER_ADDRESS_BURST", value_name = "1..1000000",
        default_value = "1000", value_parser = whole::<u32>(1, 1_000_000))]
    requests_per_address_burst: u32,

    /// Sustained rate per minute of the same
    #[arg(id = "limits-requests-per-address-per-minute", long,
        env = "LIMITS_REQUESTS_PER_ADDRESS_PER_MINUTE", value_name = "1..1000000",
        default_value = "12000", value_parser = whole::<u32>(1, 1_000_000))]
    requests_per_address_per_minute: u32,

    /// Burst of requests to `/internal` from one address
    #[arg(id = "limits-internal-requests-per-address-burst", long,
        env = "LIMITS_INTERNAL_REQUESTS_PER_ADDRESS_BURST", value_name = "1..1000000",
        default_value = "2000", value_parser = whole::<u32>(1, 1_000_000))]
    internal_requests_per_address_burst: u32,

    /// Sustained rate per minute of the same
    #[arg(id = "limits-internal-requests-per-address-per-minute", long,
        env = "LIMITS_INTERNAL_REQUESTS_PER_ADDRESS_PER_MINUTE", value_name = "1..1000000",
        default_value = "60000", value_parser = whole::<u32>(1, 1_000_000))]
    internal_requests_per_address_per_minute: u32,

    /// Burst of REST requests of one person
    #[arg(id = "limits-requests-per-person-burst", long, env = "LIMITS_REQUESTS_PER_PERSON_BURST",
        value_name = "1..1000000", default_value = "120", value_parser = whole::<u32>(1, 1_000_000))]
    requests_per_person_burst: u32,

    /// Sustained rate per minute of the same
    #[arg(id = "limits-requests-per-person-per-minute", long,
        env = "LIMITS_REQUESTS_PER_PERSON_PER_MINUTE", value_name = "1..1000000",
        default_value = "600", value_parser = whole::<u32>(1, 1_000_000))]
    requests_per_person_per_minute: u32,

    /// Burst of socket commands of one person, also malformed, unknown and refused ones; a `sync` counts once for each 8 conversations begun
    #[arg(id = "limits-commands-per-person-burst", long, env = "LIMITS_COMMANDS_PER_PERSON_BURST",
        value_name = "1..1000000", default_value = "120", value_parser = whole::<u32>(1, 1_000_000))]
    commands_per_person_burst: u32,

    /// Sustained rate per minute of the same
    #[arg(id = "limits-commands-per-person-per-minute", long,
        env = "LIMITS_COMMANDS_PER_PERSON_PER_MINUTE", value_name = "1..1000000",
        default_value = "600", value_parser = whole::<u32>(1, 1_000_000))]
    commands_per_person_per_minute: u32,

    /// Burst of bytes of socket commands of one person
    #[arg(id = "limits-command-bytes-per-person-burst", long,
        env = "LIMITS_COMMAND_BYTES_PER_PERSON_BURST", value_name = "131072..1073741824",
        default_value = "4194304", value_parser = whole::<u32>(131_072, 1_073_741_824))]
    command_bytes_per_person_burst: u32,

    /// Sustained rate per minute of the same
    #[arg(id = "limits-command-bytes-per-person-per-minute", long,
        env = "LIMITS_COMMAND_BYTES_PER_PERSON_PER_MINUTE", value_name = "131072..1073741824",
        default_value = "16777216", value_parser = whole::<u32>(131_072, 1_073_741_824))]
    command_bytes_per_person_per_minute: u32,

    /// Burst of what one person marks as read over sockets; front ends mark each message
    #[arg(id = "limits-reads-per-person-burst", long, env = "LIMITS_READS_PER_PERSON_BURST",
        value_name = "1..1000000", default_value = "512", value_parser = whole::<u32>(1, 1_000_000))]
    reads_per_person_burst: u32,

    /// Sustained rate per minute of the same
    #[arg(id = "limits-reads-per-person-per-minute", long,
        env = "LIMITS_READS_PER_PERSON_PER_MINUTE", value_name = "1..1000000",
        default_value = "2400", value_parser = whole::<u32>(1, 1_000_000))]
    reads_per_person_per_minute: u32,

    /// Burst of messages of one person, over REST and sockets together
    #[arg(id = "limits-sends-per-person-burst", long, env = "LIMITS_SENDS_PER_PERSON_BURST",
        value_name = "1..1000000", default_value = "30", value_parser = whole::<u32>(1, 1_000_000))]
    sends_per_person_burst: u32,

    /// Sustained rate per minute of the same
    #[arg(id = "limits-sends-per-person-per-minute", long,
        env = "LIMITS_SENDS_PER_PERSON_PER_MINUTE", value_name = "1..1000000",
        default_value = "120", value_parser = whole::<u32>(1, 1_000_000))]
    sends_per_person_per_minute: u32,

    /// Burst of uploads of one person
    #[arg(id = "limits-uploads-per-person-burst", long, env = "LIMITS_UPLOADS_PER_PERSON_BURST",
        value_name = "1..1000000", default_value = "20", value_parser = whole::<u32>(1, 1_000_000))]
    uploads_per_person_burst: u32,

    /// Sustained rate per minute of the same
    #[arg(id = "limits-uploads-per-person-per-minute", long,
        env = "LIMITS_UPLOADS_PER_PERSON_PER_MINUTE", value_name = "1..1000000",
        default_value = "60", value_parser = whole::<u32>(1, 1_000_000))]
    uploads_per_person_per_minute: u32,

    /// Burst of socket connections from one address
    #[arg(id = "limits-connects-per-address-burst", long,
        env = "LIMITS_CONNECTS_PER_ADDRESS_BURST", value_name = "1..1000000",
        default_value = "100", value_parser = whole::<u32>(1, 1_000_000))]
    connects_per_address_burst: u32,

    /// Sustained rate per minute of the same
    #[arg(id = "limits-connects-per-address-per-minute", long,
        env = "LIMITS_CONNECTS_PER_ADDRESS_PER_MINUTE", value_name = "1..1000000",
        default_value = "600", value_parser = whole::<u32>(1, 1_000_000))]
    connects_per_address_per_minute: u32,

    /// People or addresses that one limit keeps track of
    #[arg(id = "limits-remembered-max", long, env = "LIMITS_REMEMBERED_MAX",
        value_name = "1000..10000000", default_value = "100000",
        value_parser = whole::<usize>(1_000, 10_000_000))]
    remembered_max: usize,

    /// Trusted proxies in front, each of which appends the address of its client to the header below; 0 uses the address of the connection
    #[arg(id = "limits-trusted-proxy-hops", long, env = "LIMITS_TRUSTED_PROXY_HOPS",
        value_name = "0..16", default_value = "0", value_parser = whole::<usize>(0, 16))]
    trusted_proxy_hops: usize,

    /// Header to which those proxies append; the other one is ignored
    #[arg(
        id = "limits-client-address-header",
        long,
        env = "LIMITS_CLIENT_ADDRESS_HEADER",
        value_name = "HEADER",
        value_enum,
        default_value = "x-forwarded-for"
    )]
    client_address_header: ProxyHeader,
}

/// The headers to which proxies append the address of their client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProxyHeader {
    /// `X-Forwarded-For`.
    #[value(name = "x-forwarded-for")]
    XForwardedFor,
    /// RFC 7239.
    #[value(name = "forwarded")]
    Forwarded,
}

impl LimitSettings {
    /// The limits; none if they are disabled.
    pub(crate) fn settings(&self) -> Settings {
        let rate = |burst, per_minute| self.enabled.is_on().then_some(Rate::new(burst, per_minute));
        Settings {
            requests_per_address: rate(
                self.requests_per_address_burst,
                self.requests_per_address_per_minute,
            ),
            internal_requests_per_address: rate(
                self.internal_requests_per_address_burst,
                self.internal_requests_per_address_per_minute,
            ),
            requests_per_person: rate(
                self.requests_per_person_burst,
                self.requests_per_person_per_minute,
            ),
            commands_per_person: rate(
                self.commands_per_person_burst,
                self.commands_per_person_per_minute,
            ),
            command_bytes_per_person: rate(
                self.command_bytes_per_person_burst,
                self.command_bytes_per_person_per_minute,
            ),
            reads_per_person: rate(self.reads_per_person_burst, self.reads_per_person_per_minute),
            sends_per_person: rate(self.sends_per_person_burst, self.sends_per_person_per_minute),
            uploads_per_person: rate(
                self.uploads_per_person_burst,
                self.uploads_per_person_per_minute,
            ),
            connects_per_address: rate(
                self.connects_per_address_burst,
                self.connects_per_address_per_minute,
            ),
            remembered_max: self.remembered_max,
            trusted_proxy_hops: self.trusted_proxy_hops,
            client_address_header: match self.client_address_header {
                ProxyHeader::XForwardedFor => ClientAddressHeader::XForwardedFor,
                ProxyHeader::Forwarded => ClientAddressHeader::Forwarded,
            },
        }
    }

    /// Whether rate limits are enforced.
    pub(crate) fn enabled(&self) -> bool {
        self.enabled.is_on()
    }
}
