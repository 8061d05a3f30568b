//! `media-s3-server FOLDER BUCKET ACCESS_KEY SECRET_KEY`: an S3 server for tests, each bucket a
//! folder. It checks signatures, says its port, and serves until its standard input ends, so it never
//! outlives the test that started it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a tool")]

use std::{
    error::Error,
    fs,
    io::{self, Read},
    path::PathBuf,
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next =
        || arguments.next().ok_or("usage: media-s3-server FOLDER BUCKET ACCESS_KEY SECRET_KEY");
    let folder = PathBuf::from(next()?);
    fs::create_dir_all(folder.join(next()?))?;
    let files = FileSystem::new(&folder).map_err(|error| format!("{error:?}"))?;
    let mut service = S3ServiceBuilder::new(files);
    service.set_auth(SimpleAuth::from_single(next()?, next()?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());

    tokio::spawn(serve(listener, service.build()));
    tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

async fn serve(listener: TcpListener, service: s3s::service::S3Service) {
    while let Ok((socket, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let connections = Builder::new(TokioExecutor::new());
            let socket = TokioIo::new(socket);
            if let Err(error) = connections.serve_connection(socket, service).await {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}
