//! Whose data, and who gets them.

use testkit::{
    Fault,
    fault::same,
    person::{self, Person},
    rest::fetch,
    test_app::text,
};

use crate::{EXPORT, Fixture, archive::Unpacked, ready};

const WORD: &str = "ornithorynque";

#[tokio::test]
async fn everybody_gets_what_they_may_see_and_nothing_else() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    fixture.say(&fixture.client, WORD).await?;
    let strangers = [
        (Person::salon("salon-2", "Encre Bleue"), "other-salon"),
        (Person::client("client-2", "Dominique", "Petit"), "other-client"),
    ];
    for (stranger, name) in &strangers {
        let unpacked = Unpacked::of(&fixture.app.rest(stranger)?, name).await?;
        for file in ["data.json", "index.html"] {
            assert!(!unpacked.words(file)?.contains(WORD), "{name} reads it in {file}");
        }
    }
    for (who, name) in [(&fixture.client, "client"), (&fixture.salon, "salon")] {
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
    let fixture = Fixture::start().await?;
    let nobody = fixture.app.anonymous().get(EXPORT).await?;
    same("nobody", (nobody.status, nobody.code()), (401, "unauthorized"))?;
    let client = Person::client("demo-client", "Camille", "Martin");
    let over = person::mint(fixture.app.server.secret(), &client, -60)?;
    let late = fixture.app.anonymous().with_token(&over).get(EXPORT).await?;
    same("a token that is over", (late.status, late.code()), (401, "token_expired"))?;
    let program = fixture.service.get(EXPORT).await?;
    same("a program", (program.status, program.code()), (403, "forbidden"))?;
    same("headers only", fixture.client.call("HEAD", EXPORT, None).await?.status, 202)?;
    let count = "SELECT count(*) FROM messaging.export";
    let row = fixture.app.database.client().await?.query_one(count, &[]).await;
    let begun: i64 = row.map_err(Fault::while_doing("count archives"))?.get(0);
    same("archives begun", begun, 0)
}

#[tokio::test]
async fn a_link_opens_one_archive_and_there_is_one_a_day() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let (client, salon) = (ready(&fixture.client).await?, ready(&fixture.salon).await?);
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
    let again = ready(&fixture.client).await?;
    for field in ["requestedAt", "expiresAt", "sizeBytes"] {
        same(field, &again[field], &client[field])?;
    }
    same("archives kept", fixture.archives()?.len(), 2)
}
