//! Published vectors of some providers, each of another shape, at gates that are built by hand.
//!
//! The presets are tried with all vectors elsewhere; here a wrong gate is told from a wrong preset.

use super::super::scheme::{BodyDigest, Check, SecretFormat};
use super::*;

#[derive(serde::Deserialize)]
struct Vector {
    shape: String,
    valid: bool,
    /// Unix seconds; none where the scheme has no time.
    now: Option<f64>,
    secrets: Vec<String>,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
    note: String,
}

#[test]
fn every_vector_gets_its_verdict() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).expect("vectors");
    assert_eq!(vectors.len(), 57);
    for vector in vectors {
        let host = vector.url.find("://").expect("a scheme") + 3;
        let path = host + vector.url[host..].find('/').expect("a path");
        let secrets: Vec<&str> = vector.secrets.iter().map(String::as_str).collect();
        let demands =
            Demands { public_url: Some(vector.url[..path].to_owned()), ..demands(shape(&vector.shape), &secrets) };
        let headers: Vec<(&str, &str)> = vector.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let mut request = post(&headers, &vector.body);
        (request.method, request.target) = (vector.method.clone(), vector.url[path..].to_owned());
        let now =
            vector.now.map_or(NOW, |now| UnixMillis(Duration::from_secs_f64(now).as_millis().try_into().expect("now")));
        let opened = verdict_at(&Gate::new(demands).expect("a gate"), request, now);
        assert_eq!(opened.is_ok(), vector.valid, "{} {}: {opened:?}", vector.shape, vector.note);
    }
}

/// The blocks of a provider, as its preset says them.
fn shape(name: &str) -> Vec<Block> {
    let base64 = |signed: Signed| Signed { encoding: Encoding::Base64, ..signed };
    let of = |signed: Signed, parts: &[&str]| Signed { contents: vec![content(parts)], ..signed };
    let list = |signed: Signed, separator: char| Signed { separator: Some(separator), ..signed };
    let timed = |block: Block, from: &str, format: TimeFormat, seconds: u64| Block {
        timestamp: within(from, format, seconds),
        ..block
    };
    let sha1 = |signed: Signed| Block::new(Kind::Hmac(Hash::Sha1, signed));
    match name {
        "github" => vec![hmac(prefixed("header:X-Hub-Signature-256", "sha256="))],
        "stripe" => {
            let signed = of(list(prefixed("header:Stripe-Signature", "v1="), ','), &["kv:t", "=.", "body"]);
            vec![timed(hmac(signed), "kv:t", TimeFormat::Unix, 300)]
        }
        "paddle" => {
            let signed = of(list(prefixed("header:Paddle-Signature", "h1="), ';'), &["kv:ts", "=:", "body"]);
            vec![timed(hmac(signed), "kv:ts", TimeFormat::Unix, 300)]
        }
        "pagerduty" => vec![hmac(list(prefixed("header:X-PagerDuty-Signature", "v1="), ','))],
        "workos" => {
            let signed = of(list(prefixed("header:WorkOS-Signature", "v1="), ','), &["kv:t", "=.", "body"]);
            vec![timed(hmac(signed), "kv:t", TimeFormat::UnixMs, 180)]
        }
        "sanity" => {
            let signed = of(list(prefixed("header:sanity-webhook-signature", "v1="), ','), &["kv:t", "=.", "body"]);
            let signed = Signed { encoding: Encoding::Base64Url, ..signed };
            vec![timed(hmac(signed), "kv:t", TimeFormat::UnixMs, 300)]
        }
        "slack" => {
            let stamp = "header:X-Slack-Request-Timestamp";
            let signed = of(prefixed("header:X-Slack-Signature", "v0="), &["=v0:", stamp, "=:", "body"]);
            vec![timed(hmac(signed), stamp, TimeFormat::Unix, 300)]
        }
        "twilio" => {
            let signed = |forms: &[&[&str]]| Signed {
                contents: forms.iter().map(|parts| content(parts)).collect(),
                ..base64(signed("header:X-Twilio-Signature"))
            };
            let digest = expr("query:bodySHA256");
            let form =
                signed(&[&["url", "form_sorted"], &["url_port", "form_sorted"], &["url_no_port", "form_sorted"]]);
            let json = signed(&[&["url"], &["url_port"], &["url_no_port"]]);
            let form = Block { checks: vec![Check::Absent(digest.clone())], ..sha1(form) };
            let digest = BodyDigest { from: digest, hash: Hash::Sha256, encoding: Encoding::Hex };
            vec![form, Block { body_digest: Some(digest), ..sha1(json) }]
        }
        "mandrill" => vec![sha1(of(base64(signed("header:X-Mandrill-Signature")), &["url", "form_sorted"]))],
        "trello" => vec![sha1(of(base64(signed("header:X-Trello-Webhook")), &["body", "url"]))],
        "autotask" => vec![sha1(base64(prefixed("header:x-hook-signature", "sha1=")))],
        "braintree" => {
            let signed = of(list(signed("form:bt_signature"), '&'), &["form:bt_payload"]);
            let format = SecretFormat { digest: Some(Hash::Sha1), ..SecretFormat::default() };
            vec![Block { secret_format: format, ..sha1(Signed { after: Some("|".to_owned()), ..signed }) }]
        }
        "standard-webhooks" => {
            let parts = ["header:webhook-id", "=.", "header:webhook-timestamp", "=.", "body"];
            let list = |prefix| of(base64(list(prefixed("header:webhook-signature", prefix), ' ')), &parts);
            let format = SecretFormat { decode: Some(Encoding::Base64), ..SecretFormat::default() };
            let v1 = SecretFormat { strip: Some("whsec_".to_owned()), ..format.clone() };
            let v1a = SecretFormat { require: Some("whpk_".to_owned()), ..format };
            [(hmac(list("v1,")), v1), (ed25519(list("v1a,")), v1a)]
                .map(|(block, secret_format)| Block { secret_format, ..block })
                .map(|block| timed(block, "header:webhook-timestamp", TimeFormat::Unix, 300))
                .to_vec()
        }
        "sendgrid" => {
            let at = |name: &str| format!("header:X-Twilio-Email-Event-Webhook-{name}");
            let signed = of(base64(signed(&at("Signature"))), &[&at("Timestamp"), "body"]);
            let format = SecretFormat { decode: Some(Encoding::Base64), ..SecretFormat::default() };
            vec![Block { secret_format: format, ..Block::new(Kind::PublicKey(Algorithm::EcdsaP256, signed)) }]
        }
        "hubspot" => {
            let stamp = "header:X-HubSpot-Request-Timestamp";
            let signed = of(base64(signed("header:X-HubSpot-Signature-v3")), &["method", "url", "body", stamp]);
            let signed = Signed { url_unescape: ":/?@!$'()*,;".to_owned(), ..signed };
            vec![timed(hmac(signed), stamp, TimeFormat::UnixMs, 300)]
        }
        "hubspot-legacy" => [&["secret", "method", "url", "body"][..], &["secret", "body"]]
            .map(|parts| Block::new(Kind::Hash(Hash::Sha256, of(signed("header:X-HubSpot-Signature"), parts))))
            .to_vec(),
        "cloudinary" => {
            let signed = of(signed("header:X-Cld-Signature"), &["body", "header:X-Cld-Timestamp", "secret"]);
            vec![timed(Block::new(Kind::Hash(Hash::Sha1, signed)), "header:X-Cld-Timestamp", TimeFormat::Unix, 7200)]
        }
        "box" => {
            let stamp = "header:BOX-DELIVERY-TIMESTAMP";
            let signature = ["header:BOX-SIGNATURE-PRIMARY", "header:BOX-SIGNATURE-SECONDARY"].map(expr).to_vec();
            let signed = Signed { signature, ..of(base64(signed("=")), &["body", stamp]) };
            vec![timed(hmac(signed), stamp, TimeFormat::Rfc3339, 600)]
        }
        "orb" => {
            let stamp = "header:X-Orb-Timestamp";
            let signed = of(prefixed("header:X-Orb-Signature", "v1="), &["=v1:", stamp, "=:", "body"]);
            vec![timed(hmac(signed), stamp, TimeFormat::Iso8601, 300)]
        }
        "twitch" => {
            let at = |name: &str| format!("header:Twitch-Eventsub-Message-{name}");
            let parts = [&*at("Id"), &at("Timestamp"), "body"];
            let signed = of(prefixed(&at("Signature"), "sha256="), &parts);
            vec![timed(hmac(signed), &at("Timestamp"), TimeFormat::Rfc3339, 600)]
        }
        "linear" => {
            vec![timed(hmac(signed("header:Linear-Signature")), "json:/webhookTimestamp", TimeFormat::UnixMs, 60)]
        }
        "convoy" => [Encoding::Hex, Encoding::Base64]
            .map(|encoding| Signed { encoding, ..signed("header:X-Convoy-Signature") })
            .map(|signed| Block::new(Kind::Hmac(Hash::Sha512, signed)))
            .to_vec(),
        "connectwise" => {
            let format = SecretFormat { digest: Some(Hash::Sha256), ..SecretFormat::default() };
            vec![Block { secret_format: format, ..hmac(base64(signed("header:x-content-signature"))) }]
        }
        "pipedrive" | "postmark" => vec![Block::new(Kind::Basic)],
        "google-ads-lead-form" => vec![Block::new(Kind::Json(expr("json:/google_key")))],
        "post-affiliate-pro" => ["token"]
            .iter()
            .flat_map(|name| [Kind::Path, Kind::Query((*name).to_owned()), Kind::Form((*name).to_owned())])
            .map(Block::new)
            .collect(),
        "discord" => {
            let signed = of(signed("header:X-Signature-Ed25519"), &["header:X-Signature-Timestamp", "body"]);
            let format = SecretFormat { decode: Some(Encoding::Hex), ..SecretFormat::default() };
            vec![Block { secret_format: format, ..ed25519(signed) }]
        }
        other => panic!("no such shape: {other}"),
    }
}
