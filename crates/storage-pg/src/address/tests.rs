use tokio_postgres::config::{Host, SslMode};

use super::*;

fn address(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|faults| panic!("{text}: {faults}"))
}

fn faults(text: &str) -> String {
    Address::parse(text).map_or_else(|faults| faults.to_string(), |_| panic!("{text} is taken"))
}

#[test]
fn what_prisma_writes_is_read() {
    let address = address(
        "postgresql://salon:p%40ss%3Aw@db.example:5433/app?schema=public&connection_limit=5&pool_timeout=20\
         &connect_timeout=15&sslmode=require&statement_cache_size=0&socket_timeout=60&pgbouncer=false",
    );
    let config = address.config();
    assert_eq!(config.get_user(), Some("salon"));
    assert_eq!(config.get_password(), Some(b"p@ss:w".as_slice()));
    assert_eq!(config.get_hosts(), [Host::Tcp("db.example".to_owned())]);
    assert_eq!((config.get_ports(), config.get_dbname()), ([5433].as_slice(), Some("app")));
    assert_eq!(config.get_ssl_mode(), SslMode::Require);
    assert_eq!(address.schema(), Some("public"));
    assert_eq!(address.connections_max(), Some(5));
    assert_eq!(address.pool_wait(), Some(Duration::from_secs(20)));
    assert_eq!(address.connect_timeout(), Some(Duration::from_secs(15)));
    assert!(!address.names_a_pooler());
    assert_eq!(address.unused(), ["statement_cache_size", "socket_timeout"]);
}

#[test]
fn places_are_read_as_people_write_them() {
    let places = |text: &str| {
        let config = address(text).config();
        let host = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        let hosts: Vec<_> = config.get_hosts().iter().map(host).collect();
        (hosts.join(" "), config.get_ports().to_vec())
    };
    let table = [
        ("postgres://h", "h", vec![]),
        ("postgres://u@h/d", "h", vec![]),
        ("postgres://u:p@w:x@h:1/d", "h", vec![1]),
        ("postgres://u@[::1]:5432/d", "::1", vec![5432]),
        ("postgres://u@[::1]/d", "::1", vec![]),
        ("postgres://u@h1:1,h2/d", "h1 h2", vec![1, 5432]),
        ("postgres://u@%2Frun%2Fpg/d", "/run/pg", vec![]),
        ("postgresql://u@localhost:5432/d?host=/run/pg", "/run/pg", vec![5432]),
        ("postgresql:///d?host=h&port=7", "h", vec![7]),
    ];
    for (text, hosts, ports) in table {
        assert_eq!(places(text), (hosts.to_owned(), ports), "{text}");
    }
}

#[test]
fn a_password_with_an_at_sign_does_not_become_a_host() {
    let config = address("postgres://u:p@w:x@h/d").config();
    assert_eq!(config.get_password(), Some(b"p@w:x".as_slice()));
}

#[test]
fn every_strictness_is_understood() {
    for (word, mode) in [
        ("disable", SslMode::Disable),
        ("allow", SslMode::Prefer),
        ("prefer", SslMode::Prefer),
        ("require", SslMode::Require),
        ("verify-ca", SslMode::Require),
        ("verify-full", SslMode::Require),
    ] {
        let config = address(&format!("postgres://db/m?sslmode={word}")).config();
        assert_eq!(config.get_ssl_mode(), mode, "{word}");
    }
    assert_eq!(address("postgres://db/m").config().get_ssl_mode(), SslMode::Prefer);
}

#[test]
fn no_bound_elsewhere_is_our_longest_one() {
    let address = address("postgres://db/m?pool_timeout=0&connect_timeout=0&pgbouncer=true");
    let most = Some(Duration::from_mins(10));
    assert_eq!((address.pool_wait(), address.connect_timeout()), (most, most));
    assert!(address.names_a_pooler());
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let all = faults(
        "postgres://u:geheim@h/d?conection_limit=5&connection_limit=0&pool_timeout=x&sslmode=maybe&pgbouncer=1\
         &schema=&target_session_attrs=any_of&ssl.mode=on",
    );
    for fault in [
        "the parameter `conection_limit` is unknown",
        "the parameter `connection_limit` must be a whole number from 1 to 1000",
        "the parameter `pool_timeout` must be a whole number of seconds from 0 to 600",
        "the parameter `sslmode` must be disable, prefer, require, verify-ca or verify-full",
        "the parameter `pgbouncer` must be true or false",
        "the parameter `schema` must be the name of a schema",
        "the parameter `target_session_attrs` must be",
        "the parameter `ssl.mode` is unknown",
    ] {
        assert!(all.contains(fault), "{fault} in {all}");
    }
    assert!(!all.contains("geheim"), "{all}");
}

#[test]
fn what_names_no_postgresql_is_no_address_and_no_secret_is_repeated() {
    let table = [
        ("", "must be a URL that starts with"),
        ("mysql://u:geheim@h/d", "must be a URL that starts with"),
        ("postgres://", "must be a URL that starts with"),
        ("h/d", "must be a URL that starts with"),
        ("postgres://h/geheim d", "must be written as"),
        ("postgres://u:geheim\n@h/d", "must be written as"),
        ("postgres://u:ge/heim@h/d", "must be written as"),
        ("postgres://u:12/geheim@h/d", "must be written as"),
        ("postgres://u:ge#heim@h/d", "must be written as"),
        ("postgres://u:%geheim@h/d", "must be written as"),
        ("postgres://u:%FFgeheim@h/d", "must be written as"),
        ("postgres://u:ge?heim@h/d", "the port must be"),
        ("postgres://12:34?heim=1@h/d", "a parameter is unknown"),
        ("postgres://h:geheim/d", "the port must be"),
        ("postgres://h:0/d", "the port must be"),
        ("postgres://h:65536/d", "the port must be"),
        ("postgres://h/d?port=1,2", "the port must be"),
        ("postgres:///d", "names no host"),
        ("postgres://u:geheim@/d", "names no host"),
    ];
    for (text, why) in table {
        let told = faults(text);
        assert!(told.contains(why), "{text}: {told}");
        assert!(!told.contains("heim"), "{text}: {told}");
    }
}

#[test]
fn an_address_shows_everything_but_its_password() {
    let table = [
        ("postgres://u:pw@h:5432/d", "postgres://u:***@h:5432/d"),
        ("postgres://u:p@w:x@h/d", "postgres://u:***@h/d"),
        ("postgres://u@h/d", "postgres://u@h/d"),
        ("postgresql://h/d?sslmode=require", "postgresql://h/d?sslmode=require"),
        (
            "postgres://h/d?user=u&password=pw&schema=x",
            "postgres://h/d?user=u&password=***&schema=x",
        ),
        ("postgres://h/d?sslpassword=pw", "postgres://h/d?sslpassword=***"),
    ];
    for (text, shown) in table {
        let address = address(text);
        assert_eq!(address.to_string(), shown);
        assert!(!format!("{address:?} {:?}", address.config()).contains("pw"));
    }
}
