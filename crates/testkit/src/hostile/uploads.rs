//! Uploads that send 200 bytes and stop, and pictures that are a lot of work: others upload meanwhile.

use std::{collections::BTreeMap, net::SocketAddr};

use futures_util::future::{join_all, try_join_all};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    bystanders::ADDRESS,
    findings::{Findings, Size},
    pictures::{self, Picture},
};
use crate::{
    Fault, database,
    person::Person,
    rest::{FormFile, Rest},
    test_app::TestApp,
    wait,
};

const PATH: &str = "/messaging/attachments";
/// Uploads at once, two of each person.
const UPLOADS: usize = 16;
const UPLOADS_EACH: usize = 2;
/// What others upload during each attack.
const OTHERS: usize = 4;
/// Of a stalled upload so much is sent.
const STALLED_BYTES: usize = 200;

pub(super) async fn run(size: Size<'_>, app: &TestApp) -> Result<Findings, Fault> {
    let mut findings = Findings::default();
    stalled(size, app, &mut findings).await?;
    // The first three are refused for what they are; in full the others are decoded, which takes long.
    for picture in pictures::pictures().iter().take(size.pick(3, 6)) {
        at_once(picture, app, &mut findings).await?;
    }
    Ok(findings)
}

/// Clients for [`UPLOADS`] uploads, two of each person.
fn attackers(app: &TestApp) -> Result<Vec<String>, Fault> {
    let people = (0..UPLOADS / UPLOADS_EACH).map(|_| {
        let token = app.token(&Person::new(&database::id("client"), "client"))?;
        Ok([token.clone(), token])
    });
    Ok(people.collect::<Result<Vec<_>, Fault>>()?.into_iter().flatten().collect())
}

async fn stalled(size: Size<'_>, app: &TestApp, findings: &mut Findings) -> Result<(), Fault> {
    let to = app.server.address();
    let uploads = attackers(app)?.into_iter().map(async |token| stall(to, &token).await);
    let mut uploads = try_join_all(uploads).await.map_err(Fault::while_doing("begin uploads"))?;
    others(app, "while uploads are stalled", findings).await?;
    let mut byte = [0];
    let mut open = 0;
    for upload in &mut uploads {
        // Nothing has come, not even an end, of those that wait.
        open += usize::from(upload.try_read(&mut byte).is_err());
    }
    findings.note("stalled uploads that are open then", open);
    if matches!(size, Size::Full { .. }) {
        // The rate is measured over ten seconds.
        let ends = uploads.iter_mut().map(async |upload| {
            let mut answer = Vec::new();
            timeout(wait::TIMEOUT, upload.read_to_end(&mut answer)).await.is_ok()
        });
        let ended = join_all(ends).await.into_iter().filter(|ended| *ended).count();
        findings.exactly("stalled uploads that the server ended", ended, UPLOADS as u64);
    }
    Ok(())
}

async fn stall(to: SocketAddr, token: &str) -> std::io::Result<TcpStream> {
    let part = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\
                Content-Type: image/jpeg\r\n\r\n";
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {to}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000000\r\n\r\n"
    );
    let mut connection = TcpStream::connect(to).await?;
    let body = format!("{part:x<STALLED_BYTES$}");
    connection.write_all([head, body].concat().as_bytes()).await?;
    Ok(connection)
}

/// Uploads one picture sixteen times at once, while others upload theirs.
async fn at_once(picture: &Picture, app: &TestApp, findings: &mut Findings) -> Result<(), Fault> {
    let anonymous = app.anonymous();
    let uploads = attackers(app)?.into_iter().map(|token| {
        let rest = anonymous.with_token(&token);
        async move { upload(&rest, picture).await }
    });
    let what = picture.what;
    let (statuses, done) = tokio::join!(try_join_all(uploads), others(app, what, findings));
    done?;
    let mut counts = BTreeMap::<u16, usize>::new();
    for status in statuses? {
        *counts.entry(status).or_default() += 1;
    }
    for (status, count) in &counts {
        findings.note(format!("{what}: answered {status}"), *count);
    }
    let faults: usize =
        counts.range(500..).filter(|(status, _)| **status != 503).map(|(_, count)| *count).sum();
    findings.exactly(format!("{what}: answered as a fault of the server"), faults, 0);
    Ok(())
}

/// Others upload ordinary pictures, one after another.
async fn others(app: &TestApp, when: &str, findings: &mut Findings) -> Result<(), Fault> {
    let token = app.token(&Person::new(&database::id("client"), "client"))?;
    let rest = Rest::from_address(&app.server.url(), ADDRESS)?.with_token(&token);
    let (picture, mut failed) = (pictures::ordinary(), 0);
    for _ in 0..OTHERS {
        // A place may be taken for a moment: then the client is told to try again.
        let stored = wait::until("the upload of somebody else", async || {
            let status = upload(&rest, &picture).await?;
            Ok((!matches!(status, 429 | 503)).then_some(status))
        });
        failed += usize::from(!stored.await.is_ok_and(|status| status == 201));
    }
    findings.exactly(format!("{when}: uploads of others that failed"), failed, 0);
    Ok(())
}

async fn upload(
    rest: &Rest,
    Picture { name, media_type, bytes, .. }: &Picture,
) -> Result<u16, Fault> {
    Ok(FormFile { name, media_type, bytes }.post(rest, PATH).await?.status)
}

/// Uploads a picture as anybody sends one. Returns its id.
pub(crate) async fn ordinary_picture(rest: &Rest) -> Result<String, Fault> {
    let Picture { name, media_type, bytes, .. } = pictures::ordinary();
    let stored = FormFile { name, media_type, bytes: &bytes }.post(rest, PATH).await?;
    crate::test_app::text(&stored.expect(201)?, "id")
}
