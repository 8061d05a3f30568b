//! Encryption of the connection to the source.

use std::sync::Arc;

use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Checks the certificate and its host against what the operating system trusts.
///
/// # Errors
/// When the operating system trusts nothing.
pub(crate) fn verifying() -> Result<MakeRustlsConnect, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
