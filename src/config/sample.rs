//! Sample deliveries: what a provider sends, less what proves it, for `send` and `dev --demo`; and what `dev` starts with.
//!
//! `presets/samples/<preset>/<event>.yaml`. In the query, the headers and the body, `%uuid%` stands for an id of this
//! delivery, `%number%` for the same as a number, and `%unix%`, `%unix_ms%`, `%rfc3339%` for the time. Credentials,
//! signatures and the headers of signed timestamps are not in it: the sender's side of the scheme puts them there.

use http::{HeaderName, Method};

use crate::clock::UnixMillis;
use crate::config::decode::{Block as _, Decode, Named, block};
use crate::config::place::Document;
use crate::config::problem::{At, Problems};
use crate::config::tree::Node;
use crate::config::{Config, Loaded, presets};

/// The configuration that `dev` starts with, as text.
///
/// # Errors
/// It cannot be read: a defect of this build.
pub fn dev() -> Result<(String, Loaded), Problems> {
    let text = presets::file("samples/dev.yaml").unwrap_or_default();
    let loaded = Config::parse("dev.yaml", &text, &|_: &str| None)?;
    Ok((text, loaded))
}

/// A delivery before it is proven.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its type, as `send --event` calls it.
    pub event: String,
    /// How it is sent.
    pub method: Method,
    /// Without the question mark; empty: none.
    pub query: String,
    /// Empty: none.
    pub content_type: String,
    /// Further headers.
    pub headers: Vec<(HeaderName, String)>,
    /// As text.
    pub body: String,
}

block! {
    /// A sample as it stands in its file.
    Typed {
        /// How it is sent.
        method: Method = "POST",
        /// Without the question mark.
        query: String = "''",
        /// Of the body.
        content_type: String = "''",
        /// Further headers.
        headers: Named<String>,
        /// As text.
        body: String = "''",
    }
}

impl Sample {
    /// All samples of a preset, in the order of their names; none where there is no such preset.
    ///
    /// # Errors
    /// One cannot be read: a defect of this build.
    pub fn all(preset: &str) -> Result<Vec<Self>, Problems> {
        let directory = format!("samples/{preset}/");
        presets::files(&directory).into_iter().map(|event| Self::read(&directory, event)).collect()
    }

    fn read(directory: &str, event: String) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let path = format!("{directory}{event}.yaml");
        let document = Document::new(format!("presets/{path}"), presets::file(&path).unwrap_or_default());
        let typed = Node::read(&document, None, &mut problems)
            .and_then(|node| Typed::decode(&node, &At::new("", &node.place), &mut problems));
        let mut headers = Vec::new();
        for (name, value) in typed.iter().flat_map(|typed| &typed.headers.0) {
            match name.parse::<HeaderName>() {
                Ok(name) => headers.push((name, value.value.clone())),
                Err(_) => problems.error(&value.at, format!("`{name}`"), "the name of an HTTP header"),
            }
        }
        match typed {
            Some(typed) if problems.errors() == 0 => Ok(Self {
                event,
                method: typed.method.clone(),
                query: typed.query.clone(),
                content_type: typed.content_type.clone(),
                headers,
                body: typed.body.clone(),
            }),
            typed => {
                if problems.errors() == 0 {
                    let at = typed.map(|typed| typed.at().clone()).unwrap_or_default();
                    problems.error(&at, "an empty sample", "a map");
                }
                Err(problems)
            }
        }
    }

    /// What is sent where there is no sample: a JSON object with an id.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            event: "plain".into(),
            method: Method::POST,
            query: String::new(),
            content_type: "application/json".into(),
            headers: Vec::new(),
            body: r#"{"id":"%uuid%"}"#.into(),
        }
    }

    /// The same delivery with its id and its time put in. `number` is the id where a number is wanted.
    #[must_use]
    pub fn filled(&self, id: &str, number: u64, now: UnixMillis) -> Self {
        let fill = |text: &str| {
            text.replace("%uuid%", id)
                .replace("%number%", &number.to_string())
                .replace("%unix_ms%", &now.0.to_string())
                .replace("%unix%", &(now.0 / 1000).to_string())
                .replace("%rfc3339%", &now.to_string())
        };
        Self {
            query: fill(&self.query),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), fill(value))).collect(),
            body: fill(&self.body),
            ..self.clone()
        }
    }
}
