use api::limits::{ClientAddressHeader, Rate, Settings};
use clap::{Args, ValueEnum};

use super::value::{Switch, whole};

/// How much anyone may ask for.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rate limits")]
pub(crate) struct LimitSettings {
    /// Whether there are limits at all
    #[arg(
        id = "limits-enabled",
        long,
        env = "RATE_LIMITS",
        value_name = "SWITCH",
        value_enum,
        default_value = "on"
    )]
    enabled: Switch,

    /// REST requests of one address at once; a server that renders pages is one address
    #[arg(id = "limits-requests-per-address-burst", long,
        env = "LIMITS_REQUESTS_PER_ADDRESS_BURST", value_name = "1..1000000",
        default_value = "1000", value_parser = whole::<u32>(1, 1_000_000))]
    requests_per_address_burst: u32,

    /// The same in a minute, in the long run
    #[arg(id = "limits-requests-per-address-per-minute", long,
        env = "LIMITS_REQUESTS_PER_ADDRESS_PER_MINUTE", value_name = "1..1000000",
        default_value = "12000", value_parser = whole::<u32>(1, 1_000_000))]
    requests_per_address_per_minute: u32,

    /// Requests of the platform's programs from one address at once
    #[arg(id = "limits-internal-requests-per-address-burst", long,
        env = "LIMITS_INTERNAL_REQUESTS_PER_ADDRESS_BURST", value_name = "1..1000000",
        default_value = "2000", value_parser = whole::<u32>(1, 1_000_000))]
    internal_requests_per_address_burst: u32,

    /// The same in a minute, in the long run
    #[arg(id = "limits-internal-requests-per-address-per-minute", long,
        env = "LIMITS_INTERNAL_REQUESTS_PER_ADDRESS_PER_MINUTE", value_name = "1..1000000",
        default_value = "60000", value_parser = whole::<u32>(1, 1_000_000))]
    internal_requests_per_address_per_minute: u32,

    /// REST requests of one person at once
    #[arg(id = "limits-requests-per-person-burst", long, env = "LIMITS_REQUESTS_PER_PERSON_BURST",
        value_name = "1..1000000", default_value = "120", value_parser = whole::<u32>(1, 1_000_000))]
    requests_per_person_burst: u32,

    /// The same in a minute, in the long run
    #[arg(id = "limits-requests-per-person-per-minute", long,
        env = "LIMITS_REQUESTS_PER_PERSON_PER_MINUTE", value_name = "1..1000000",
        default_value = "600", value_parser = whole::<u32>(1, 1_000_000))]
    requests_per_person_per_minute: u32,

    /// Socket commands of one person at once
    #[arg(id = "limits-commands-per-person-burst", long, env = "LIMITS_COMMANDS_PER_PERSON_BURST",
        value_name = "1..1000000", default_value = "120", value_parser = whole::<u32>(1, 1_000_000))]
    commands_per_person_burst: u32,

    /// The same in a minute, in the long run
    #[arg(id = "limits-commands-per-person-per-minute", long,
        env = "LIMITS_COMMANDS_PER_PERSON_PER_MINUTE", value_name = "1..1000000",
        default_value = "600", value_parser = whole::<u32>(1, 1_000_000))]
    commands_per_person_per_minute: u32,

    /// Messages of one person at once, over REST and sockets together
    #[arg(id = "limits-sends-per-person-burst", long, env = "LIMITS_SENDS_PER_PERSON_BURST",
        value_name = "1..1000000", default_value = "30", value_parser = whole::<u32>(1, 1_000_000))]
    sends_per_person_burst: u32,

    /// The same in a minute, in the long run
    #[arg(id = "limits-sends-per-person-per-minute", long,
        env = "LIMITS_SENDS_PER_PERSON_PER_MINUTE", value_name = "1..1000000",
        default_value = "120", value_parser = whole::<u32>(1, 1_000_000))]
    sends_per_person_per_minute: u32,

    /// Files uploaded by one person at once
    #[arg(id = "limits-uploads-per-person-burst", long, env = "LIMITS_UPLOADS_PER_PERSON_BURST",
        value_name = "1..1000000", default_value = "20", value_parser = whole::<u32>(1, 1_000_000))]
    uploads_per_person_burst: u32,

    /// The same in a minute, in the long run
    #[arg(id = "limits-uploads-per-person-per-minute", long,
        env = "LIMITS_UPLOADS_PER_PERSON_PER_MINUTE", value_name = "1..1000000",
        default_value = "60", value_parser = whole::<u32>(1, 1_000_000))]
    uploads_per_person_per_minute: u32,

    /// Socket connections begun by one address at once
    #[arg(id = "limits-connects-per-address-burst", long,
        env = "LIMITS_CONNECTS_PER_ADDRESS_BURST", value_name = "1..1000000",
        default_value = "100", value_parser = whole::<u32>(1, 1_000_000))]
    connects_per_address_burst: u32,

    /// The same in a minute, in the long run
    #[arg(id = "limits-connects-per-address-per-minute", long,
        env = "LIMITS_CONNECTS_PER_ADDRESS_PER_MINUTE", value_name = "1..1000000",
        default_value = "600", value_parser = whole::<u32>(1, 1_000_000))]
    connects_per_address_per_minute: u32,

    /// People or addresses that one limit remembers
    #[arg(id = "limits-remembered-max", long, env = "LIMITS_REMEMBERED_MAX",
        value_name = "1000..10000000", default_value = "100000",
        value_parser = whole::<usize>(1_000, 10_000_000))]
    remembered_max: usize,

    /// Proxies in front, each of which adds whom it was called by to the header below; 0 believes the connection's own address
    #[arg(id = "limits-trusted-proxy-hops", long, env = "LIMITS_TRUSTED_PROXY_HOPS",
        value_name = "0..16", default_value = "0", value_parser = whole::<usize>(0, 16))]
    trusted_proxy_hops: usize,

    /// The header in which those proxies do so; the other counts for nothing
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

/// The headers that say whom a proxy was called by.
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
    /// The limits; switched off, everything may be done at any rate.
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

    /// Whether there are limits at all.
    pub(crate) fn enabled(&self) -> bool {
        self.enabled.is_on()
    }
}
