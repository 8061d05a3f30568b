use std::str::FromStr;

use api::origins::Origins;
use clap::Args;

/// Origins of front ends on a developer's machine, allowed outside production.
const LOCAL: [&str; 4] = [
    "http://localhost:3000",
    "http://localhost:3001",
    "http://127.0.0.1:3000",
    "http://127.0.0.1:3001",
];

/// The origins that may call from a browser.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Pages that may call (CORS)")]
pub(crate) struct OriginSettings {
    /// Origins of the front end, each with and without `www.`, and of apps (`capacitor://localhost`); separated by commas
    #[arg(id = "origins-front-url", long, env = "FRONT_URL", value_name = "URLS")]
    front_url: Option<OriginList>,

    /// More origins of the front end
    #[arg(id = "origins-frontend-url", long, env = "FRONTEND_URL", value_name = "URLS")]
    frontend_url: Option<OriginList>,

    /// More origins of the front end
    #[arg(id = "origins-frontend-url-bis", long, env = "FRONTEND_URL_BIS", value_name = "URLS")]
    frontend_url_bis: Option<OriginList>,

    /// More origins of the front end
    #[arg(id = "origins-web-url", long, env = "WEB_URL", value_name = "URLS")]
    web_url: Option<OriginList>,
}

impl OriginSettings {
    /// All configured origins; outside production also those of a developer's machine.
    pub(crate) fn allowed(&self, in_production: bool) -> Origins {
        let lists = [&self.front_url, &self.frontend_url, &self.frontend_url_bis, &self.web_url];
        let named = lists.into_iter().flatten().flat_map(|list| &list.0).map(String::as_str);
        let local = LOCAL.into_iter().filter(|_| !in_production);
        // Each was parsed by the same rule already.
        Origins::new(named.chain(local)).unwrap_or_default()
    }

    /// The base URL of links in mails: the first web origin of the front end, in production the first that is not local.
    pub(super) fn site(&self, in_production: bool) -> Option<String> {
        let lists = [&self.frontend_url, &self.web_url, &self.front_url];
        let mut named = lists.into_iter().flatten().flat_map(|list| &list.0);
        named.find(|it| is_web(it) && (!in_production || !is_local(it))).cloned()
    }
}

/// Whether a browser can open it, unlike the origin of an app.
fn is_web(address: &str) -> bool {
    let scheme = address.split_once("://").map_or("", |(scheme, _)| scheme);
    ["http", "https"].into_iter().any(|web| scheme.eq_ignore_ascii_case(web))
}

/// Whether an address is that of localhost.
pub(super) fn is_local(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let names = |local: &str| {
        let rest = host.strip_prefix(local);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    };
    ["localhost", "127.0.0.1", "[::1]"].into_iter().any(names)
}

/// Origins separated by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OriginList(Vec<String>);

impl FromStr for OriginList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let list: Vec<String> = parts.map(str::to_owned).collect();
        match Origins::new(&list) {
            Ok(_) => Ok(Self(list)),
            Err(_) => Err(concat!(
                "must be addresses such as https://example.org, or capacitor://localhost for an app, ",
                "with no path"
            )
            .to_owned()),
        }
    }
}

#[cfg(test)]
mod origin_tests {
    use super::*;

    fn allowed(front_url: &str, in_production: bool) -> String {
        let settings = OriginSettings {
            front_url: Some(front_url.parse().expect("good addresses")),
            frontend_url: None,
            frontend_url_bis: Some("https://bis.example".parse().expect("a good address")),
            web_url: None,
        };
        settings.allowed(in_production).to_string()
    }

    #[test]
    fn every_configured_origin_is_allowed_with_and_without_www() {
        let allowed = allowed(" https://a.example/ ,, https://www.b.example:8443", true);
        let expected = [
            "https://a.example",
            "https://b.example:8443",
            "https://bis.example",
            "https://www.a.example",
            "https://www.b.example:8443",
            "https://www.bis.example",
        ];
        assert_eq!(allowed, expected.join(", "));
    }

    #[test]
    fn a_developer_s_pages_are_allowed_outside_production_only() {
        for page in LOCAL {
            assert!(allowed("", false).split(", ").any(|origin| origin == page), "{page}");
            assert!(!allowed("", true).contains(page), "{page}");
        }
    }

    #[test]
    fn links_in_mails_lead_to_a_public_address() {
        let list = |text: &str| Some(text.parse().expect("good addresses"));
        let settings = OriginSettings {
            front_url: list("https://front.example"),
            frontend_url: list("http://localhost:3000, https://salon.example"),
            frontend_url_bis: list("https://bis.example"),
            web_url: list("https://web.example"),
        };
        assert_eq!(settings.site(false).as_deref(), Some("http://localhost:3000"));
        assert_eq!(settings.site(true).as_deref(), Some("https://salon.example"));
        let app = "capacitor://localhost, app://com.example";
        let with_app = OriginSettings { frontend_url: list(app), ..settings.clone() };
        assert_eq!(with_app.site(false).as_deref(), Some("https://web.example"));
        let other = OriginSettings { frontend_url: list("http://127.0.0.1:3000"), ..settings };
        assert_eq!(other.site(true).as_deref(), Some("https://web.example"));
        assert!(!is_local("https://localhost.example"));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in ["*", "salon.example", "https://salon.example/app", "https://a, b"] {
            assert!(text.parse::<OriginList>().is_err(), "{text}");
        }
    }
}
