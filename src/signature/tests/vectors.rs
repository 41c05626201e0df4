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
        let (origin, target) = split_url(&vector.url);
        let secrets: Vec<&str> = vector.secrets.iter().map(String::as_str).collect();
        let demands = Demands { public_url: Some(origin), ..demands(shape(&vector.shape), &secrets) };
        let headers: Vec<(&str, &str)> = vector.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let mut request = post(&headers, &vector.body);
        (request.method, request.target) = (vector.method.clone(), target);
        let now =
            vector.now.map_or(NOW, |now| UnixMillis(Duration::from_secs_f64(now).as_millis().try_into().expect("now")));
        let opened = verdict_at(&Gate::new(demands).expect("a gate"), request, now);
        assert_eq!(opened.is_ok(), vector.valid, "{} {}: {opened:?}", vector.shape, vector.note);
    }
}

fn split_url(url: &str) -> (String, String) {
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let (host, target) = rest.split_once('/').expect("a path");
    (format!("{scheme}://{host}"), format!("/{target}"))
}

/// The blocks of a provider, as its preset says them.
fn shape(name: &str) -> Vec<Block> {
    listed(name).or_else(|| with_time(name)).or_else(|| over_url(name)).or_else(|| with_key(name)).expect(name)
}

fn base64(signed: Signed) -> Signed {
    Signed { encoding: Encoding::Base64, ..signed }
}

fn of(signed: Signed, parts: &[&str]) -> Signed {
    Signed { contents: vec![content(parts)], ..signed }
}

fn list(signed: Signed, separator: char) -> Signed {
    Signed { separator: Some(separator), ..signed }
}

fn sha1(signed: Signed) -> Block {
    Block::new(Kind::Hmac(Hash::Sha1, signed))
}

fn keyed(format: SecretFormat, block: Block) -> Block {
    Block { secret_format: format, ..block }
}

fn decoded(encoding: Encoding) -> SecretFormat {
    SecretFormat { decode: Some(encoding), ..SecretFormat::default() }
}

fn digested(hash: Hash) -> SecretFormat {
    SecretFormat { digest: Some(hash), ..SecretFormat::default() }
}

/// Several signatures in one header.
fn listed(name: &str) -> Option<Vec<Block>> {
    let dotted = |header: &str| of(list(prefixed(header, "v1="), ','), &["kv:t", "=.", "body"]);
    Some(vec![match name {
        "stripe" => timed(hmac(dotted("header:Stripe-Signature")), "kv:t", TimeFormat::Unix, 300),
        "workos" => timed(hmac(dotted("header:WorkOS-Signature")), "kv:t", TimeFormat::UnixMs, 180),
        "sanity" => {
            let signed = Signed { encoding: Encoding::Base64Url, ..dotted("header:sanity-webhook-signature") };
            timed(hmac(signed), "kv:t", TimeFormat::UnixMs, 300)
        }
        "paddle" => {
            let signed = of(list(prefixed("header:Paddle-Signature", "h1="), ';'), &["kv:ts", "=:", "body"]);
            timed(hmac(signed), "kv:ts", TimeFormat::Unix, 300)
        }
        "pagerduty" => hmac(list(prefixed("header:X-PagerDuty-Signature", "v1="), ',')),
        _ => return None,
    }])
}

/// A time in a header or in the body.
fn with_time(name: &str) -> Option<Vec<Block>> {
    Some(vec![match name {
        "slack" => {
            let stamp = "header:X-Slack-Request-Timestamp";
            let signed = of(prefixed("header:X-Slack-Signature", "v0="), &["=v0:", stamp, "=:", "body"]);
            timed(hmac(signed), stamp, TimeFormat::Unix, 300)
        }
        "box" => {
            let stamp = "header:BOX-DELIVERY-TIMESTAMP";
            let signature = ["header:BOX-SIGNATURE-PRIMARY", "header:BOX-SIGNATURE-SECONDARY"].map(expr).to_vec();
            let signed = Signed { signature, ..of(base64(signed("=")), &["body", stamp]) };
            timed(hmac(signed), stamp, TimeFormat::Rfc3339, 600)
        }
        "orb" => {
            let stamp = "header:X-Orb-Timestamp";
            let signed = of(prefixed("header:X-Orb-Signature", "v1="), &["=v1:", stamp, "=:", "body"]);
            timed(hmac(signed), stamp, TimeFormat::Iso8601, 300)
        }
        "twitch" => {
            let at = |name: &str| format!("header:Twitch-Eventsub-Message-{name}");
            let signed = of(prefixed(&at("Signature"), "sha256="), &[&at("Id"), &at("Timestamp"), "body"]);
            timed(hmac(signed), &at("Timestamp"), TimeFormat::Rfc3339, 600)
        }
        "linear" => timed(hmac(signed("header:Linear-Signature")), "json:/webhookTimestamp", TimeFormat::UnixMs, 60),
        "cloudinary" => {
            let signed = of(signed("header:X-Cld-Signature"), &["body", "header:X-Cld-Timestamp", "secret"]);
            timed(Block::new(Kind::Hash(Hash::Sha1, signed)), "header:X-Cld-Timestamp", TimeFormat::Unix, 7200)
        }
        _ => return None,
    }])
}

/// The registered URL is signed.
fn over_url(name: &str) -> Option<Vec<Block>> {
    Some(match name {
        "twilio" => {
            let over = |contents: &[&[&str]]| {
                let contents = contents.iter().map(|parts| content(parts)).collect();
                sha1(Signed { contents, ..base64(signed("header:X-Twilio-Signature")) })
            };
            let form = over(&[&["url", "form_sorted"], &["url_port", "form_sorted"], &["url_no_port", "form_sorted"]]);
            let json = over(&[&["url"], &["url_port"], &["url_no_port"]]);
            let from = expr("query:bodySHA256");
            let digest = BodyDigest { from: from.clone(), hash: Hash::Sha256, encoding: Encoding::Hex };
            vec![Block { checks: vec![Check::Absent(from)], ..form }, Block { body_digest: Some(digest), ..json }]
        }
        "mandrill" => vec![sha1(of(base64(signed("header:X-Mandrill-Signature")), &["url", "form_sorted"]))],
        "trello" => vec![sha1(of(base64(signed("header:X-Trello-Webhook")), &["body", "url"]))],
        "hubspot" => {
            let stamp = "header:X-HubSpot-Request-Timestamp";
            let signed = of(base64(signed("header:X-HubSpot-Signature-v3")), &["method", "url", "body", stamp]);
            let signed = Signed { url_unescape: ":/?@!$'()*,;".to_owned(), ..signed };
            vec![timed(hmac(signed), stamp, TimeFormat::UnixMs, 300)]
        }
        "hubspot-legacy" => [&["secret", "method", "url", "body"][..], &["secret", "body"]]
            .map(|parts| Block::new(Kind::Hash(Hash::Sha256, of(signed("header:X-HubSpot-Signature"), parts))))
            .to_vec(),
        _ => return None,
    })
}

/// The key is not the secret as it stands, or is none of a MAC.
fn with_key(name: &str) -> Option<Vec<Block>> {
    Some(match name {
        "github" => vec![hmac(prefixed("header:X-Hub-Signature-256", "sha256="))],
        "autotask" => vec![sha1(base64(prefixed("header:x-hook-signature", "sha1=")))],
        "braintree" => {
            let signed = of(list(signed("form:bt_signature"), '&'), &["form:bt_payload"]);
            vec![keyed(digested(Hash::Sha1), sha1(Signed { after: Some("|".to_owned()), ..signed }))]
        }
        "connectwise" => vec![keyed(digested(Hash::Sha256), hmac(base64(signed("header:x-content-signature"))))],
        "convoy" => [Encoding::Hex, Encoding::Base64]
            .map(|encoding| Signed { encoding, ..signed("header:X-Convoy-Signature") })
            .map(|signed| Block::new(Kind::Hmac(Hash::Sha512, signed)))
            .to_vec(),
        "standard-webhooks" => {
            let stamp = "header:webhook-timestamp";
            let parts = ["header:webhook-id", "=.", stamp, "=.", "body"];
            let list = |prefix| of(base64(list(prefixed("header:webhook-signature", prefix), ' ')), &parts);
            let v1 = SecretFormat { strip: Some("whsec_".to_owned()), ..decoded(Encoding::Base64) };
            let v1a = SecretFormat { require: Some("whpk_".to_owned()), ..decoded(Encoding::Base64) };
            [keyed(v1, hmac(list("v1,"))), keyed(v1a, ed25519(list("v1a,")))]
                .map(|block| timed(block, stamp, TimeFormat::Unix, 300))
                .to_vec()
        }
        "sendgrid" => {
            let at = |name: &str| format!("header:X-Twilio-Email-Event-Webhook-{name}");
            let signed = of(base64(signed(&at("Signature"))), &[&at("Timestamp"), "body"]);
            vec![keyed(decoded(Encoding::Base64), Block::new(Kind::PublicKey(Algorithm::EcdsaP256, signed)))]
        }
        "pipedrive" | "postmark" => vec![Block::new(Kind::Basic)],
        "google-ads-lead-form" => vec![Block::new(Kind::Json(expr("json:/google_key")))],
        "post-affiliate-pro" => {
            [Kind::Path, Kind::Query("token".to_owned()), Kind::Form("token".to_owned())].map(Block::new).to_vec()
        }
        _ => return None,
    })
}
