use super::{File, Start, URL, start};
use crate::settings::setting::Setting;

#[test]
fn one_header_of_proxies_counts() {
    use api::limits::ClientAddressHeader::{Forwarded, XForwardedFor};
    let chosen = |start: Start| start.config().api.limits.client_address_header;
    let with = |value| start().with("LIMITS_CLIENT_ADDRESS_HEADER", value);
    assert_eq!(chosen(start()), XForwardedFor);
    assert_eq!(chosen(with("x-forwarded-for")), XForwardedFor);
    assert_eq!(chosen(with("forwarded")), Forwarded);
}

#[test]
fn limits_can_be_switched_off() {
    let sends = |start: Start| start.config().api.limits.sends_per_person;
    assert!(sends(start()).is_some());
    for off in ["off", "false"] {
        assert_eq!(sends(start().with("RATE_LIMITS", off)), None);
    }
}

#[test]
fn no_secret_is_ever_printed() {
    let loaded = start().loaded();
    let printed = format!("{}\n{loaded:?}\n{:?}", loaded.effective, start().config());
    assert!(!printed.contains("canary"), "{printed}");
    let shown = loaded.effective.to_string();
    assert!(shown.contains("url = \"postgres://salon:***@db.example/messaging\" # environment"));
    assert!(shown.contains("secret = \"***\" # environment"));
}

#[test]
fn what_is_printed_is_a_file_that_sets_the_same() {
    let start = start().with("PORT", "5000").with("RUST_LOG", "info,api=debug");
    let printed = start.loaded().effective.to_string();
    let table: toml::Table = printed.parse().expect("TOML");
    for setting in Setting::all() {
        let (section, key) = setting.name();
        let named = table.get(section).and_then(|section| section.get(key)).is_some();
        let default = setting.default().is_some();
        let commented = printed.contains(&format!("# {key} is not set"));
        assert!(named != commented && (named || !default), "{}", setting.id());
    }
    let file =
        File::new("same.toml", &printed.replace("***", "a-secret-of-a-decent-length-0123456789"));
    let again = Start { arguments: start.arguments.clone(), ..Start::default() };
    let again = again.with("MESSAGING_CONFIG", file.path()).loaded().effective.to_string();
    let sources = [" # flag", " # environment", " # file", " # default"];
    let values = |text: &str| sources.iter().fold(text.to_owned(), |text, it| text.replace(it, ""));
    assert_eq!(values(&again), values(&printed));
}

#[test]
fn the_defaults_are_those_of_the_parts() {
    let config = start().config();
    let store = storage_pg::Settings::new(URL);
    assert_eq!(format!("{:?}", config.database.store), format!("{store:?}"));
    // The key is of the secret that every configuration has.
    let recovery_key = config.api.realtime.recovery_key.clone();
    assert!(recovery_key.is_some());
    let realtime = api::realtime::Settings { recovery_key, ..api::realtime::Settings::default() };
    assert_eq!(format!("{:?}", config.api.realtime), format!("{realtime:?}"));
    assert_eq!(config.api.limits, api::limits::Settings::default());
}
