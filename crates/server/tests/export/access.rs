//! Whose data, and who gets them.

use testkit::{
    Fault,
    fault::same,
    person::{self, Person},
    rest::fetch,
    stage::text,
};

use crate::{EXPORT, Scene, archive::Unpacked, ready};

const WORD: &str = "ornithorynque";

#[tokio::test]
async fn everybody_gets_what_they_may_see_and_nothing_else() -> Result<(), Fault> {
    let scene = Scene::set().await?;
    scene.say(&scene.client, WORD).await?;
    let strangers = [
        (Person::salon("salon-2", "Encre Bleue"), "other-salon"),
        (Person::client("client-2", "Dominique", "Petit"), "other-client"),
    ];
    for (stranger, name) in &strangers {
        let unpacked = Unpacked::of(&scene.stage.rest(stranger)?, name).await?;
        for file in ["data.json", "index.html"] {
            assert!(!unpacked.words(file)?.contains(WORD), "{name} reads it in {file}");
        }
    }
    for (who, name) in [(&scene.client, "client"), (&scene.salon, "salon")] {
        let unpacked = Unpacked::of(who, name).await?;
        for file in ["data.json", "index.html"] {
            assert!(unpacked.words(file)?.contains(WORD), "{name} misses it in {file}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_has_no_good_token_begins_nothing_nor_does_who_asks_for_the_headers()
-> Result<(), Fault> {
    let scene = Scene::set().await?;
    let nobody = scene.stage.anonymous().get(EXPORT).await?;
    same("nobody", (nobody.status, nobody.code()), (401, "unauthorized"))?;
    let client = Person::client("demo-client", "Camille", "Martin");
    let over = person::mint(scene.stage.server.secret(), &client, -60)?;
    let late = scene.stage.anonymous().with_token(&over).get(EXPORT).await?;
    same("a token that is over", (late.status, late.code()), (401, "token_expired"))?;
    let program = scene.service.get(EXPORT).await?;
    same("a program", (program.status, program.code()), (403, "forbidden"))?;
    same("headers only", scene.client.call("HEAD", EXPORT, None).await?.status, 202)?;
    let count = "SELECT count(*) FROM messaging.export";
    let row = scene.stage.database.client().await?.query_one(count, &[]).await;
    let begun: i64 = row.map_err(Fault::while_doing("count archives"))?.get(0);
    same("archives begun", begun, 0)
}

#[tokio::test]
async fn a_link_opens_one_archive_and_there_is_one_a_day() -> Result<(), Fault> {
    let scene = Scene::set().await?;
    let (client, salon) = (ready(&scene.client).await?, ready(&scene.salon).await?);
    let (link, other) = (text(&client, "url")?, text(&salon, "url")?);
    let (place, right) =
        link.split_once('?').ok_or_else(|| Fault::new("a link without a right"))?;
    let (_, other_right) = other.split_once('?').unwrap_or_default();
    for forged in [
        place.to_owned(),
        format!("{place}?{other_right}"),
        format!("{place}?{}", right.replace("signature=", "signature=A")),
        format!("{place}?{}", right.replace("expires=", "expires=9")),
    ] {
        same(&forged, fetch(&forged).await?.status, 404)?;
    }
    same("the link", fetch(&link).await?.status, 200)?;
    let again = ready(&scene.client).await?;
    for field in ["requestedAt", "expiresAt", "sizeBytes"] {
        same(field, &again[field], &client[field])?;
    }
    same("archives kept", scene.archives()?.len(), 2)
}
