//! The mail server: its address, TLS and login.

use std::{borrow::Cow, fmt, net::IpAddr, time::Duration};

use lettre::transport::smtp::{
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, TlsParameters},
    extension::ClientId,
};
use percent_encoding::percent_decode_str;
use reqwest::Url;
use secrecy::ExposeSecret as _;

use super::fault::{Fault, SmtpStep};
use crate::settings::{SettingsError, Smtp};

const CERTIFICATE_MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";
const SMTPS_PORT: u16 = 465;
const SUBMISSION_PORT: u16 = 587;

pub(crate) struct Server {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    hello: ClientId,
}

enum Tls {
    None,
    AtOnce(TlsParameters),
    /// STARTTLS (RFC 3207).
    ByCommand(TlsParameters),
}

impl Server {
    pub(crate) fn new(smtp: &Smtp) -> Result<Self, SettingsError> {
        let url =
            Url::parse(smtp.url.expose_secret().trim()).map_err(|_| SettingsError::SmtpUrl)?;
        // The brackets of an IPv6 address are only part of the URL.
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() || !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SettingsError::SmtpUrl);
        }
        let tls = tls(&url, &host, smtp)?;
        let default_port = if matches!(tls, Tls::AtOnce(_)) { SMTPS_PORT } else { SUBMISSION_PORT };
        Ok(Self {
            port: url.port().unwrap_or(default_port),
            credentials: credentials(&url)?,
            hello: ClientId::default(),
            host,
            tls,
        })
    }

    /// Connects, with TLS and login. `timeout` bounds the TCP connection alone; the caller bounds the whole.
    pub(crate) async fn connect(&self, timeout: Duration) -> Result<AsyncSmtpConnection, Fault> {
        let wrapped = match &self.tls {
            Tls::AtOnce(tls) => Some(tls.clone()),
            Tls::None | Tls::ByCommand(_) => None,
        };
        let address = (self.host.as_str(), self.port);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(address, Some(timeout), &self.hello, wrapped, None);
        let mut connection = connecting.await.map_err(|error| SmtpStep::Connect.fault(error))?;
        if let Tls::ByCommand(tls) = &self.tls {
            if !connection.can_starttls() {
                return Err(Fault::Unable);
            }
            let upgraded = connection.starttls(tls.clone(), &self.hello).await;
            upgraded.map_err(|error| SmtpStep::Connect.fault(error))?;
        }
        if let Some(credentials) = &self.credentials {
            let login = connection.auth(DEFAULT_MECHANISMS, credentials).await;
            login.map_err(|error| SmtpStep::Auth.fault(error))?;
        }
        Ok(connection)
    }
}

fn tls(url: &Url, host: &str, smtp: &Smtp) -> Result<Tls, SettingsError> {
    let loopback = is_loopback(host);
    let options = url.query_pairs().collect::<Vec<_>>();
    let options: Vec<_> =
        options.iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect();
    match (url.scheme(), options.as_slice()) {
        ("smtps", []) => Ok(Tls::AtOnce(parameters(host, smtp)?)),
        ("smtp", []) if loopback => Ok(Tls::None),
        ("smtp", [] | [("tls", "starttls")]) => Ok(Tls::ByCommand(parameters(host, smtp)?)),
        ("smtp", [("tls", "none")]) if loopback || smtp.plaintext_allowed => Ok(Tls::None),
        ("smtp", [("tls", "none")]) => Err(SettingsError::SmtpPlaintext),
        _ => Err(SettingsError::SmtpUrl),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn parameters(host: &str, smtp: &Smtp) -> Result<TlsParameters, SettingsError> {
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(pem) = &smtp.root_pem {
        // Text without a certificate would be accepted as an empty list.
        if !pem.windows(CERTIFICATE_MARK.len()).any(|piece| piece == CERTIFICATE_MARK) {
            return Err(SettingsError::SmtpTls("no certificate in PEM".into()));
        }
        let root =
            Certificate::from_pem(pem).map_err(|error| SettingsError::SmtpTls(error.into()))?;
        parameters = parameters.add_root_certificate(root);
    }
    parameters.build().map_err(|error| SettingsError::SmtpTls(error.into()))
}

fn credentials(url: &Url) -> Result<Option<Credentials>, SettingsError> {
    let decoded = |text| {
        let text = percent_decode_str(text).decode_utf8().map(Cow::into_owned);
        text.map_err(|_| SettingsError::SmtpUrl)
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(SettingsError::SmtpUrl),
        (user, Some(password)) => Ok(Some(Credentials::new(decoded(user)?, decoded(password)?))),
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = match self.tls {
            Tls::None => "none",
            Tls::AtOnce(_) => "from the start",
            Tls::ByCommand(_) => "STARTTLS",
        };
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &tls)
            .finish_non_exhaustive()
    }
}
