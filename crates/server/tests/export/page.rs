//! The page as a browser shows it from the folder, beside what the interface says at the same time.

use std::{io::ErrorKind, net::TcpListener};

use serde_json::{Value, json};
use testkit::{
    Fault,
    chromium::{Chromium, Tab},
    fault::same,
    rest::Rest,
};

use crate::{Fixture, archive::Unpacked};

const ARTICLES: &str = "[...document.querySelectorAll('section')].map(section =>
    [...section.querySelectorAll('article')].map(article => ({
        side: article.className,
        words: article.querySelector('p[dir=auto]')?.textContent ?? '',
        pictures: article.querySelectorAll('img').length,
    })))";
const PICTURES: &str = "(async () => {
    const all = [...document.images];
    for (const picture of all) picture.loading = 'eager';
    await Promise.all(all.map(picture => picture.decode()));
    return all.map(picture => [picture.naturalWidth > 0, new URL(picture.src).protocol]);
})()";

#[tokio::test]
async fn the_page_lists_every_message_and_photo_and_runs_and_calls_nothing() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    // A script or a resource that was injected would call here.
    let ear = TcpListener::bind("127.0.0.1:0").map_err(Fault::while_doing("listen"))?;
    talk(&fixture, &ear).await?;
    let unpacked = Unpacked::of(&fixture.client, "page").await?;
    let conversations = as_rest_says(&fixture.client).await?;

    let chromium = Chromium::open()?;
    let mut tab = chromium.tab(&unpacked.page_url()).await?;
    tab.becomes("document.readyState", &json!("complete")).await?;
    same_on_page(&mut tab, &conversations).await?;
    let pictures = tab.evaluate(PICTURES).await?;
    same("pictures", pictures, json!([[true, "file:"], [true, "file:"]]))?;
    nothing_ran(&mut tab, &ear).await?;
    same_as_data(&unpacked.data()?, &conversations)
}

/// Both sides, photos, what somebody takes back, and what would like to be more than words.
async fn talk(fixture: &Fixture, ear: &TcpListener) -> Result<(), Fault> {
    let ear = ear.local_addr().map_err(Fault::while_doing("listen"))?;
    let Fixture { salon, client, .. } = fixture;
    fixture.say(client, "Bonjour !\nOn se voit jeudi à 14 h ? ☀").await?;
    fixture.show(client, "Voici la zone, sur l’avant-bras.").await?;
    let regretted = fixture.say(client, "à oublier").await?;
    let path = format!("/messaging/messages/{}", regretted["id"].as_str().unwrap_or_default());
    client.delete(&path).await?.expect(204)?;
    let canary = format!(
        "</p><script>document.title='ran';fetch('http://{ear}/a')</script>\
         <img src=\"http://{ear}/b\" onerror=\"document.title='ran'\">\
         <style>@import 'http://{ear}/c'</style>"
    );
    fixture.say(client, &canary).await?;
    fixture.show(salon, "").await?;
    fixture
        .say(salon, "Le croquis vous plaît ? « Oui » ou « non » : c’est vous qui décidez.")
        .await?;
    Ok(())
}

/// Every conversation with its messages, oldest first.
async fn as_rest_says(who: &Rest) -> Result<Vec<(Value, Vec<Value>)>, Fault> {
    let listed = who.get("/messaging/conversations?limit=100").await?.expect(200)?;
    let mut all = Vec::new();
    for conversation in listed["data"].as_array().cloned().unwrap_or_default() {
        let id = conversation["id"].as_str().unwrap_or_default();
        let path = format!("/messaging/conversations/{id}/messages?limit=100");
        let page = who.get(&path).await?.expect(200)?;
        let mut messages = page["data"].as_array().cloned().unwrap_or_default();
        messages.reverse();
        all.push((conversation, messages));
    }
    Ok(all)
}

async fn same_on_page(tab: &mut Tab, conversations: &[(Value, Vec<Value>)]) -> Result<(), Fault> {
    let expected = conversations.iter().map(|(_, messages)| {
        let articles = messages.iter().map(|message| {
            json!({
                "side": side(message),
                "words": message["content"],
                "pictures": message["attachments"].as_array().map_or(0, Vec::len),
            })
        });
        articles.collect::<Vec<_>>()
    });
    let expected = json!(expected.collect::<Vec<_>>());
    assert!(expected[0].as_array().is_some_and(|articles| articles.len() >= 6), "{expected}");
    assert!(!expected.to_string().contains("à oublier"), "{expected}");
    assert!(expected.to_string().contains("platform"), "no word of the platform's: {expected}");
    same("what the page shows", tab.evaluate(ARTICLES).await?, expected)?;
    let names = "[...new Set([...document.querySelectorAll('h2')].map(name => name.textContent))]";
    same("with whom", tab.evaluate(names).await?, json!(["Encre Noire"]))
}

fn side(message: &Value) -> &'static str {
    match (message["type"].as_str(), message["sender"]["id"].as_str()) {
        (Some("SYSTEM"), _) => "platform",
        (_, Some("demo-client")) => "own",
        _ => "other",
    }
}

async fn nothing_ran(tab: &mut Tab, ear: &TcpListener) -> Result<(), Fault> {
    let title = json!("Vos messages – Camille Martin");
    same("its title", tab.evaluate("document.title").await?, title)?;
    same("its scripts", tab.evaluate("document.scripts.length").await?, json!(0))?;
    same("what went wrong", tab.exceptions(), &[])?;
    ear.set_nonblocking(true).map_err(Fault::while_doing("listen"))?;
    let called = ear.accept().map_err(|error| error.kind());
    assert!(matches!(called, Err(ErrorKind::WouldBlock)), "somebody was called: {called:?}");
    Ok(())
}

fn same_as_data(data: &Value, conversations: &[(Value, Vec<Value>)]) -> Result<(), Fault> {
    let of_rest = |(conversation, messages): &(Value, Vec<Value>)| {
        let messages = messages.iter().map(|message| {
            ["id", "seq", "type", "content", "createdAt"].map(|field| message[field].clone())
        });
        json!([conversation["id"], conversation["subject"], messages.collect::<Vec<_>>()])
    };
    let of_data = |conversation: &Value| {
        let messages = conversation["messages"].as_array().cloned().unwrap_or_default();
        let messages = messages.iter().map(|message| {
            ["id", "position", "kind", "content", "sentAt"].map(|field| message[field].clone())
        });
        json!([conversation["id"], conversation["subject"], messages.collect::<Vec<_>>()])
    };
    let found = data["conversations"].as_array().cloned().unwrap_or_default();
    let found: Vec<_> = found.iter().map(of_data).collect();
    same("what data.json says", found, conversations.iter().map(of_rest).collect())
}
