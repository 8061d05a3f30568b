use super::{FILE_URL_MAX_BYTES, FileError};

/// Where an uploaded file is: `https`, on a host of the upload service (`utfs.io`, `*.ufs.sh`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileUrl(String);

impl FileUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`FileError::UrlInvalid`] for another scheme or host, a port, a user in the address, or
    /// characters that no address holds (RFC 3986, section 2).
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let address = text.len() <= FILE_URL_MAX_BYTES
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        let rest =
            text.strip_prefix("https://").filter(|_| address).ok_or(FileError::UrlInvalid)?;
        let (host, path) = rest.split_once('/').ok_or(FileError::UrlInvalid)?;
        if path.is_empty() || !serves_uploads(&host.to_ascii_lowercase()) {
            return Err(FileError::UrlInvalid);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn serves_uploads(host: &str) -> bool {
    let label = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host == "utfs.io" || host.strip_suffix(".ufs.sh").is_some_and(|app| app.split('.').all(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_taken_from_the_upload_service_alone() {
        for good in [
            "https://utfs.io/f/abc.webp",
            "https://x1y2.ufs.sh/f/abc",
            "https://X1Y2.UFS.SH/f/abc?x=%20#y",
        ] {
            assert_eq!(FileUrl::parse(good).expect("good").as_str(), good);
        }
        for bad in [
            "",
            "utfs.io/f/a",
            "http://utfs.io/f/a",
            "HTTPS://utfs.io/f/a",
            "https://utfs.io",
            "https://utfs.io/",
            "https://utfs.io:8443/f/a",
            "https://utfs.io@evil.example/f/a",
            "https://evil.example/utfs.io/f/a",
            "https://utfs.io.evil.example/f/a",
            "https://ufs.sh/f/a",
            "https://.ufs.sh/f/a",
            "https://a..ufs.sh/f/a",
            "https://a@b.ufs.sh/f/a",
            "https://evil.example#.ufs.sh/f/a",
            "https://evil.example\\.ufs.sh/f/a",
            "https://utfs.io/f/a b",
            "https://utfs.io/f/é",
            "https://utfs.io/f/<script>",
            "javascript://utfs.io/f/a",
            "//utfs.io/f/a",
        ] {
            assert_eq!(FileUrl::parse(bad), Err(FileError::UrlInvalid), "{bad}");
        }
        let long = format!("https://utfs.io/{}", "a".repeat(FILE_URL_MAX_BYTES));
        assert_eq!(FileUrl::parse(&long), Err(FileError::UrlInvalid));
    }
}
