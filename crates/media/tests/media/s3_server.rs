use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use media::Bucket;

use crate::temp_dir::TempDir;

/// A process that speaks S3 and checks signatures, with one bucket.
pub(crate) struct S3Server {
    process: Child,
    endpoint: String,
    pub(crate) files: TempDir,
}

impl S3Server {
    pub(crate) fn start() -> Self {
        let files = TempDir::new();
        let mut process = Command::new(env!("CARGO_BIN_EXE_media-s3-server"))
            .arg(files.path())
            .args(["pictures", "the-key", "the-secret"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was built");
        let mut port = String::new();
        let mut output = BufReader::new(process.stdout.take().expect("piped"));
        output.read_line(&mut port).expect("it says its port");
        let endpoint = format!("http://127.0.0.1:{}", port.trim());
        Self { process, endpoint, files }
    }

    /// The bucket, with the right credentials.
    pub(crate) fn bucket(&self) -> Bucket {
        bucket(&self.endpoint)
    }

    /// The objects in the bucket.
    pub(crate) fn objects(&self) -> Vec<String> {
        let files = self.files.files().into_iter();
        files.filter_map(|file| file.strip_prefix("pictures/").map(str::to_owned)).collect()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // Its input ends, and so does it.
        drop(self.process.stdin.take());
        self.process.wait().expect("it ends");
    }
}

pub(crate) fn bucket(endpoint: &str) -> Bucket {
    Bucket {
        endpoint: Some(endpoint.to_owned()),
        name: "pictures".to_owned(),
        region: "us-east-1".to_owned(),
        path_style: true,
        http_allowed: true,
        access_key_id: "the-key".to_owned(),
        secret_access_key: "the-secret".to_owned().into(),
    }
}
