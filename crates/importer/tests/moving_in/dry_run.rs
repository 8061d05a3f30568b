//! Without writing.

use importer::Settings;

use crate::house::House;

#[tokio::test]
async fn a_dry_run_tells_the_same_and_writes_nothing() {
    let house = House::small().await;
    let before = house.digest().await;
    let dry = Settings { is_dry_run: true, ..house.settings() };
    let (foretold, told_before) =
        house.import_with(&dry, house.store.clone()).await.expect("everything answers");
    assert_eq!(house.digest().await, before);
    let (tally, told) = house.import().await;
    assert_eq!(foretold.to_string(), tally.to_string());
    assert_eq!(told_before.refused, told.refused);
}

#[tokio::test]
async fn a_database_of_something_else_is_not_taken_for_the_former_system() {
    let house = House::small().await;
    let rename = "ALTER TABLE \"Message\" RENAME COLUMN \"isRead\" TO seen";
    house.client.batch_execute(rename).await.expect("renamed");
    let refused = house.import_with(&house.settings(), house.store.clone()).await;
    let error = refused.err().expect("it is not").to_string();
    assert!(error.contains("\"Message\".\"isRead\""), "{error}");
}
