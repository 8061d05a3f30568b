//! The parameters of the URL of the database.

use secrecy::ExposeSecret;

use super::{File, Start, start};

const PRISMA: &str = "postgresql://salon:canary@db.example:5432/app?schema=public&connection_limit=5&pool_timeout=20\
    &connect_timeout=15&sslmode=require&statement_cache_size=0&socket_timeout=60";
const POOLED: &str =
    "postgresql://salon:canary@pool.example:6543/app?pgbouncer=true&connection_limit=1";
const DIRECT: &str = "postgresql://salon:canary@db.example:5432/app?pool_timeout=0";

fn bounds(start: &Start) -> (usize, u64, u64) {
    let store = start.config().database.store;
    (store.pool_connections_max, store.pool_wait_ms_max, store.connect_timeout_ms)
}

#[test]
fn the_address_sets_the_pool_unless_a_setting_does() {
    assert_eq!(bounds(&start()), (16, 2_000, 5_000));
    let with_parameters = start().with("DATABASE_URL", PRISMA);
    assert_eq!(bounds(&with_parameters), (5, 20_000, 15_000));
    let file = File::new("pool.toml", "[database]\nconnect-timeout-ms = 3000\n");
    let overridden = with_parameters
        .with("DATABASE_POOL_CONNECTIONS_MAX", "7")
        .with("MESSAGING_CONFIG", file.path())
        .flag("--database-pool-wait-ms-max=9");
    assert_eq!(bounds(&overridden), (7, 9, 3_000));
}

#[test]
fn parameters_of_the_url_with_and_without_effect_are_printed() {
    let printed = start().with("DATABASE_URL", PRISMA).loaded().effective.to_string();
    for line in [
        "pool-connections-max = 5 # address",
        "pool-wait-ms-max = 20000 # address",
        "connect-timeout-ms = 15000 # address",
        "socket_timeout=60\" # environment; not used: statement_cache_size, socket_timeout",
    ] {
        assert!(printed.contains(line), "{line} in\n{printed}");
    }
    assert!(!printed.contains("canary"), "{printed}");
}

#[test]
fn a_url_that_bypasses_the_pooler_is_used_for_everything() {
    let config = start().with("DATABASE_URL", POOLED).with("DATABASE_DIRECT_URL", DIRECT);
    let database = config.config().database;
    assert!(database.is_direct);
    assert_eq!(database.store.url.expose_secret(), DIRECT);
    // The pool settings are those of the URL that is used.
    assert_eq!(bounds(&config), (16, 600_000, 5_000));
    let printed = config.loaded().effective.to_string();
    assert!(
        printed.contains("&connection_limit=1\" # environment; not used, direct-url is"),
        "{printed}"
    );
    let mut alone = start().with("DATABASE_DIRECT_URL", DIRECT);
    alone.environment.remove("DATABASE_URL");
    assert_eq!(alone.config().database.store.url.expose_secret(), DIRECT);
}

#[test]
fn a_url_of_a_pooler_is_refused() {
    let faults = start().with("DATABASE_URL", POOLED).faults();
    let pooled = "DATABASE_URL (database.url): leads to a connection pooler (pgbouncer=true), which keeps no session: \
        set DATABASE_DIRECT_URL to where PostgreSQL itself is\n";
    assert_eq!(faults, pooled);
    let faults = start().with("DATABASE_DIRECT_URL", POOLED).faults();
    let direct = "DATABASE_DIRECT_URL (database.direct-url): must lead to PostgreSQL itself, and not to a connection \
        pooler (pgbouncer=true)\n";
    assert_eq!(faults, direct);
}

#[test]
fn all_faults_of_all_urls_are_reported_at_once() {
    let import = Start { arguments: vec!["messaging-server".into(), "import".into()], ..start() };
    let import = import
        .flag("--from=postgres://u:canary@h:port/d?schema=&sslmode=maybe")
        .with("DATABASE_URL", "postgres://u:canary@h/d?connection_limits=5&pool_timeout=soon")
        .with("DATABASE_DIRECT_URL", "mysql://u:canary@h/d")
        .with("PORT", "canary");
    let expected = "\
PORT (http.port): must be a whole number from 0 to 65535 (environment)
DATABASE_URL (database.url): the parameter `connection_limits` is unknown; the parameter `pool_timeout` must be a whole number of seconds from 0 to 600 (environment)
DATABASE_DIRECT_URL (database.direct-url): must be a URL that starts with postgres:// or postgresql:// (environment)
--from: the port must be a whole number from 1 to 65535; the parameter `schema` must be the name of a schema; the parameter `sslmode` must be disable, prefer, require, verify-ca or verify-full
";
    assert_eq!(import.faults(), expected);
}

#[test]
fn an_import_bypasses_the_pooler_and_names_a_missing_file() {
    let import =
        || Start { arguments: vec!["messaging-server".into(), "import".into()], ..start() };
    let file = File::new("former.url", &format!("{PRISMA}\n"));
    let source = import().flag(&format!("--from-file={}", file.path().display())).loaded().source;
    assert_eq!(source.expect("an address").schema(), Some("public"));
    let pooled = import().flag(&format!("--from={POOLED}")).faults();
    assert!(pooled.starts_with("--from: must lead to PostgreSQL itself"), "{pooled}");
    let absent = import().flag("--from-file=/nowhere/former.url").faults();
    assert_eq!(absent, "--from-file: cannot be read: entity not found\n");
}
