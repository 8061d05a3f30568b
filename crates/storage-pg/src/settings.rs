//! Where the database is, and how much of it we may use.

use secrecy::SecretString;

use crate::address::InvalidAddress;

/// How the store uses its database. Every bound has its unit in its name.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the database is: `postgres://user:password@host:port/database?sslmode=…`, as
    /// [`Address`](crate::Address) reads it.
    ///
    /// `sslmode` is one of
    /// - `disable`: in the clear;
    /// - `prefer`, the default: encrypted if the server offers it with a certificate that this
    ///   machine trusts, otherwise in the clear. For a database on the same machine or a network
    ///   one trusts;
    /// - `require`, `verify-ca`, `verify-full`: encrypted, and the certificate must be valid for the
    ///   host. All three check everything: encryption without it protects from nobody who can
    ///   answer in the server's place.
    ///
    /// Trusted is what the operating system trusts; a private authority is added with the
    /// environment variable `SSL_CERT_FILE`.
    pub url: SecretString,
    /// The most connections held.
    pub pool_connections_max: usize,
    /// The most requests that wait for a connection. One more is told at once that the store is busy.
    pub pool_waiters_max: usize,
    /// How long a request waits for a connection, in milliseconds.
    pub pool_wait_ms_max: u64,
    /// How long opening a connection may take, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long a statement may run, waiting for locks included, in milliseconds.
    pub statement_timeout_ms: u32,
    /// How long a transaction may do nothing, in milliseconds.
    pub idle_in_transaction_timeout_ms: u32,
    /// How long bringing the schema up to date may wait for somebody else who does, in milliseconds.
    pub migration_lock_wait_ms_max: u64,
    /// How many conversations' participants are remembered.
    pub parties_cache_entries_max: usize,
}

impl Settings {
    /// The usual bounds, for the database at `url`.
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            pool_connections_max: 16,
            pool_waiters_max: 1_024,
            pool_wait_ms_max: 2_000,
            connect_timeout_ms: 5_000,
            statement_timeout_ms: 5_000,
            idle_in_transaction_timeout_ms: 5_000,
            migration_lock_wait_ms_max: 30_000,
            parties_cache_entries_max: 100_000,
        }
    }
}

/// Why a store cannot work with its settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// The address of the database cannot be read.
    #[error("the address of the database cannot be used")]
    Address(#[from] InvalidAddress),
    /// A bound is 0.
    #[error("`{0}` must be at least 1")]
    Zero(&'static str),
    /// Encryption is asked for and this machine trusts no certificate authority.
    #[error(
        "the operating system has no certificates to trust; set SSL_CERT_FILE or sslmode=disable"
    )]
    NoTrustedCertificates,
    /// The operating system has no thread left for us.
    #[error("the operating system gives us no thread for connections")]
    NoThread,
}

impl Settings {
    /// Checks that no bound is 0: that would mean "nothing, ever" or, to PostgreSQL, "no bound".
    pub(crate) fn check(&self) -> Result<(), InvalidSettings> {
        let bounds = [
            ("pool_connections_max", self.pool_connections_max == 0),
            ("pool_wait_ms_max", self.pool_wait_ms_max == 0),
            ("connect_timeout_ms", self.connect_timeout_ms == 0),
            ("statement_timeout_ms", self.statement_timeout_ms == 0),
            ("idle_in_transaction_timeout_ms", self.idle_in_transaction_timeout_ms == 0),
        ];
        match bounds.into_iter().find(|(_, zero)| *zero) {
            Some((name, _)) => Err(InvalidSettings::Zero(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_database_is_not_shown() {
        let settings = Settings::new("postgres://salon:hunter2@db.example/messaging");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn a_bound_of_nothing_is_refused() {
        let good = Settings::new("postgres://localhost/messaging");
        assert_eq!(good.check(), Ok(()));
        let bad = Settings { statement_timeout_ms: 0, ..good };
        assert_eq!(bad.check(), Err(InvalidSettings::Zero("statement_timeout_ms")));
    }
}
