//! Without writing.

use importer::Settings;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_dry_run_tells_the_same_and_writes_nothing() {
    let fixture = Fixture::small().await;
    let before = fixture.digest().await;
    let dry = Settings { is_dry_run: true, ..fixture.settings() };
    let (foretold, told_before) =
        fixture.import_with(&dry, fixture.store.clone()).await.expect("everything answers");
    assert_eq!(fixture.digest().await, before);
    let (tally, told) = fixture.import().await;
    assert_eq!(foretold.to_string(), tally.to_string());
    assert_eq!(told_before.refused, told.refused);
}

#[tokio::test]
async fn a_database_of_something_else_is_not_taken_for_the_former_system() {
    let fixture = Fixture::small().await;
    let rename = "ALTER TABLE \"Message\" RENAME COLUMN \"isRead\" TO seen";
    fixture.client.batch_execute(rename).await.expect("renamed");
    let refused = fixture.import_with(&fixture.settings(), fixture.store.clone()).await;
    let error = refused.err().expect("it is not").to_string();
    assert!(error.contains("\"Message\".\"isRead\""), "{error}");
}
