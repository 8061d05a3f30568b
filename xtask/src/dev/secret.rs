//! The secret that signs a development server's tokens.

use std::{
    env,
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use xtask::workspace;

use crate::failure::Failure;

/// The number of random bytes of the secret.
const BYTES: usize = 48;

/// `JWT_SECRET`, or one that is generated once and stored, so that tokens survive a restart.
pub(super) fn of_tokens() -> Result<String, Failure> {
    match env::var("JWT_SECRET") {
        Ok(secret) => Ok(secret),
        Err(_) => kept(&workspace::target().join("dev-secret"))
            .map_err(Failure::while_doing("keep a secret in target/dev-secret")),
    }
}

fn kept(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(secret) if secret.len() == BYTES * 2 => Ok(secret),
        // Absent, or only half written.
        Ok(_) => mint(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => mint(path),
        Err(error) => Err(error),
    }
}

fn mint(path: &Path) -> io::Result<String> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut secret = String::new();
    for byte in bytes {
        write!(secret, "{byte:02x}").map_err(io::Error::other)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(secret.as_bytes())?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_kept() {
        let path = env::temp_dir().join(format!("dev-secret-test-{}", std::process::id()));
        let first = kept(&path).expect("a secret");
        let second = kept(&path).expect("a secret");
        fs::write(&path, "half").expect("a file");
        let third = kept(&path).expect("a secret");
        fs::remove_file(&path).expect("ours");

        assert_eq!(first.len(), 96);
        assert_eq!(first, second);
        assert_eq!(third.len(), 96);
        assert_ne!(first, third);
    }
}
