//! Builds the server from its parts, and runs it until it is stopped.

use std::sync::Arc;

use api::{Api, Ports};
use auth_jwt::JwtVerifier;
use domain::Worker;
use exporter::Archiver;
use media::Media;
use storage_pg::PgStore;

use crate::{
    database,
    error::RunError,
    http::{self, Bounds},
    jobs::{JobNotifier, Runner},
    mail,
    ports::{SystemClock, SystemIds},
    settings::Config,
    signals::{self, StopSignals},
    telemetry::ClientEvents,
    tokens,
};

/// Serves until a stop signal.
pub(crate) async fn serve(config: Config, client_events: ClientEvents) -> Result<(), RunError> {
    tokio::spawn(client_events.summarise());
    let bounds = Bounds::of(&config)?;
    let mut signals = StopSignals::listen().map_err(RunError::Signals)?;
    let ready = async {
        database::prepare(&config.database).await?;
        database::check_language(&config.database).await;
        Ok::<_, RunError>(())
    };
    tokio::select! {
        ready = ready => ready?,
        () = signals.next() => return Ok(()),
    }

    let clock = Arc::new(SystemClock);
    let store = Arc::new(PgStore::new(&config.database.store)?);
    let verifier = Arc::new(JwtVerifier::new(&config.tokens, clock.clone())?);
    if let Some(file) = config.key_file {
        tokio::spawn(tokens::watch(verifier.clone(), config.tokens, file));
    }
    let (ids, files) = (Arc::new(SystemIds), Arc::new(Media::new(&config.files)?));
    let notifier = JobNotifier::default();
    let ports = Ports {
        store: store.clone(),
        tokens: verifier,
        clock: clock.clone(),
        ids: ids.clone(),
        files: files.clone(),
        job_notifier: notifier.callback(),
        dev_mail: mail::dev_mail(&config.mail),
    };
    let api = Api::new(config.api, ports);
    if let Err(cause) = api.read_session_ends().await {
        tracing::warn!(%cause, "ended sessions could not be read: no token is taken before they are");
    }
    let server = http::listen(&config.http, bounds, &api)?;
    let services = api.services().with_zone(config.zone);
    let policy = config.mail.policy.clone();
    let mailing = mail::mailing(&config.mail, policy, store.clone(), clock.clone(), ids.clone())?;
    let exporter = Arc::new(Archiver::new(store.clone(), files.clone()));
    let worker =
        Worker::new(services, store, files, clock, ids, config.jobs.worker).with_exporter(exporter);
    let worker = match mailing {
        Some(mailing) => worker.with_mailing(mailing),
        None => worker,
    };
    let runner = config.jobs.runner.map(|settings| Runner::start(worker, settings, notifier));

    let handle = server.handle();
    let mut running = actix_web::rt::spawn(server);
    tokio::select! {
        ended = &mut running => return signals::ended_unexpectedly(ended),
        () = signals.next() => {}
    }
    signals::stop(&api, &handle, runner, config.http.shutdown_timeout(), &mut signals).await
}
