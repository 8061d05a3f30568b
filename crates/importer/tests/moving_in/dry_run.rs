//! Dry runs.

use importer::Settings;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_dry_run_reports_the_same_and_writes_nothing() {
    let fixture = Fixture::small().await;
    let before = fixture.digest().await;
    let dry = Settings { is_dry_run: true, ..fixture.settings() };
    let (dry_report, dry_progress) =
        fixture.import_with(&dry, fixture.store.clone()).await.expect("everything answers");
    assert_eq!(fixture.digest().await, before);
    let (report, progress) = fixture.import().await;
    assert_eq!(dry_report.to_string(), report.to_string());
    assert_eq!(dry_progress.refused, progress.refused);
}

#[tokio::test]
async fn a_database_of_another_application_is_refused() {
    let fixture = Fixture::small().await;
    let rename = "ALTER TABLE \"Message\" RENAME COLUMN \"isRead\" TO seen";
    fixture.client.batch_execute(rename).await.expect("renamed");
    let refused = fixture.import_with(&fixture.settings(), fixture.store.clone()).await;
    let error = refused.err().expect("it is not").to_string();
    assert!(error.contains("\"Message\".\"isRead\""), "{error}");
}
