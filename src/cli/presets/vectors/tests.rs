use super::*;
use crate::config::PresetInfo;
use crate::locate::Request;
use crate::signature::{Gate, Subject};

/// A delivery with its `{secret}` segment left aside: no vector has one.
struct Received<'a>(&'a Delivery);

impl Subject for Received<'_> {
    fn request(&self) -> Request<'_> {
        Request {
            method: &self.0.method,
            target: &self.0.target,
            headers: &self.0.headers,
            body: &self.0.body,
            path_secret: None,
            peer: None,
        }
    }
}

/// What the gate alone says; handshakes are the way in's.
fn gate(source: &Settings, delivery: &Delivery, now: UnixMillis) -> Verdict {
    if !source.methods.iter().any(|method| method.as_str() == delivery.method) {
        return Verdict::Rejected("method".into());
    }
    let gate = Gate::new(source.demands.clone()).expect("good keys");
    match gate.check(Received(delivery), now) {
        Ok(_) => Verdict::Accepted,
        Err(denied) => Verdict::Rejected(format!("{:?}", denied.reason)),
    }
}

fn vectors_of(preset: &str) -> Vec<Vector> {
    read(Path::new(&format!("{}/tests/vectors/{preset}.json", env!("CARGO_MANIFEST_DIR")))).expect(preset)
}

fn output(vectors: &[Vector], preset: Option<&str>, judge: Judge<'_>) -> (Exit, String) {
    let mut out = Vec::new();
    let exit = run(vectors, preset, judge, &mut out).expect("written");
    (exit, String::from_utf8(out).expect("text"))
}

#[test]
fn every_preset_judges_its_vectors_as_they_say() {
    for PresetInfo { preset, .. } in PresetInfo::all().expect("presets") {
        let signatures: Vec<Vector> = vectors_of(&preset).into_iter().filter(|v| v.kind == "signature").collect();
        let (exit, out) = output(&signatures, None, &gate);
        assert_eq!(exit, Exit::Success, "{out}");
    }
}

#[test]
fn every_preset_has_good_and_tampered_and_foreign_and_untimely_vectors() {
    for PresetInfo { preset, .. } in PresetInfo::all().expect("presets") {
        let vectors = vectors_of(&preset);
        let has = |valid: bool, word: &str| {
            vectors.iter().any(|vector| vector.valid == valid && vector.note.to_lowercase().contains(word))
        };
        assert!(vectors.iter().any(|vector| vector.valid), "{preset}: a good one");
        assert!(has(false, "tampered") || has(false, "in a header that is not looked at"), "{preset}: a tampered one");
        assert!(has(false, "wrong secret"), "{preset}: a wrong secret");
        let secret = vectors.iter().filter(|vector| vector.valid).find_map(|vector| vector.secret.clone());
        let source = preset_source(&preset, &secret.expect("one").secrets(), Some("https://a.example"), "/");
        let timed = source.expect("a source").demands.blocks.iter().any(|block| block.timestamp.is_some());
        if timed {
            assert!(has(false, "stale"), "{preset}: a stale one");
            assert!(has(false, "in the future"), "{preset}: one in the future");
        }
        assert!(vectors.iter().all(|vector| vector.preset.as_deref() == Some(&preset)), "{preset}: its own");
    }
}

fn vector(keys: serde_json::Value) -> Vector {
    let mut whole = serde_json::json!({
        "preset": "generic-header", "kind": "signature", "secret": "0123456789abcdef", "method": "POST",
        "url": "https://gw.example/in/a", "headers": {}, "body": "", "now": null, "valid": true,
    });
    let serde_json::Value::Object(keys) = keys else { panic!("keys") };
    for (key, value) in keys {
        whole[key] = value;
    }
    serde_json::from_value(whole).expect("a vector")
}

#[test]
fn a_difference_is_told_and_ends_with_1() {
    let accept = |_: &Settings, _: &Delivery, _: UnixMillis| Verdict::Accepted;
    let vectors = [vector(serde_json::json!({})), vector(serde_json::json!({ "valid": false, "note": "flipped" }))];
    let (exit, out) = output(&vectors, None, &accept);
    assert_eq!(exit, Exit::Failure);
    assert!(out.contains("ok         generic-header"), "{out}");
    assert!(out.contains("DIFFERENT  generic-header: flipped: accepted, expected rejected"), "{out}");
    assert!(out.ends_with("2 vectors, 1 different\n"), "{out}");
}

#[test]
fn the_preset_of_the_command_line_is_for_vectors_that_name_none() {
    let named = |source: &Settings, _: &Delivery, _: UnixMillis| match source.demands.blocks[0].kind.verified() {
        "header" => Verdict::Accepted,
        kind => Verdict::Rejected(kind.into()),
    };
    let none = [vector(serde_json::json!({ "preset": null }))];
    assert_eq!(output(&none, Some("generic-header"), &named).0, Exit::Success);
    assert_eq!(output(&none, Some("generic-hmac"), &named).0, Exit::Failure);
    let own = [vector(serde_json::json!({}))];
    assert_eq!(output(&own, Some("generic-hmac"), &named).0, Exit::Success);
    let (exit, out) = output(&none, Some("generic-hedaer"), &named);
    assert_eq!(exit, Exit::Failure);
    assert!(out.contains("did you mean `generic-header`?"), "{out}");
}

#[test]
fn the_url_is_the_registered_one_and_the_clock_the_vectors() {
    let seen = |source: &Settings, delivery: &Delivery, now: UnixMillis| {
        assert_eq!(source.demands.public_url.as_deref(), Some("https://gw.example:8443"));
        assert_eq!((source.path.as_str(), delivery.target.as_str()), ("/in/a", "/in/a?b=%2F"));
        assert_eq!(now, UnixMillis(1_693_657_560_500));
        Verdict::Accepted
    };
    let url = "https://gw.example:8443/in/a?b=%2F";
    let vectors = [vector(serde_json::json!({ "url": url, "now": 1_693_657_560.5 }))];
    assert_eq!(output(&vectors, None, &seen).0, Exit::Success);
}

#[test]
fn an_answer_to_a_challenge_is_compared() {
    let answer = |body: &str| {
        Verdict::Challenge(Answer {
            status: 200,
            content_type: Some("text/plain".into()),
            headers: BTreeMap::new(),
            body: body.into(),
        })
    };
    let challenge = vector(serde_json::json!({
        "preset": "meta", "kind": "challenge", "expect_response": { "status": 200, "content_type": "text/plain", "body": "1" },
    }));
    let right = |_: &Settings, _: &Delivery, _: UnixMillis| answer("1");
    let wrong = |_: &Settings, _: &Delivery, _: UnixMillis| answer("2");
    assert_eq!(output(std::slice::from_ref(&challenge), None, &right).0, Exit::Success);
    assert_eq!(output(std::slice::from_ref(&challenge), None, &wrong).0, Exit::Failure);
    let accepted = |_: &Settings, _: &Delivery, _: UnixMillis| Verdict::Accepted;
    assert_eq!(output(&[challenge], None, &accepted).0, Exit::Failure);
}

#[test]
fn an_unsigned_challenge_is_to_be_refused_where_the_preset_wants_it_signed() {
    let unsigned = vector(serde_json::json!({
        "preset": "slack", "kind": "challenge", "secret": null, "expect_response": { "status": 200, "body": "1" },
    }));
    let reject = |_: &Settings, _: &Delivery, _: UnixMillis| Verdict::Rejected("not signed".into());
    assert_eq!(output(&[unsigned], None, &reject).0, Exit::Success);
}

#[test]
fn the_answer_to_every_delivery_is_compared_where_there_is_no_handshake() {
    for (body, exit) in [("{\"status\":\"accepted\"}", Exit::Success), ("ok", Exit::Failure)] {
        let vector = vector(serde_json::json!({
            "kind": "challenge", "secret": null, "expect_response": { "status": 200, "body": body },
        }));
        let reject = |_: &Settings, _: &Delivery, _: UnixMillis| Verdict::Rejected("not signed".into());
        assert_eq!(output(&[vector], None, &reject).0, exit, "{body}");
    }
}

#[test]
fn a_time_that_does_not_matter_is_the_one_that_the_sender_states() {
    for (now, stated, clock) in [
        (serde_json::json!(1.5), Some("7"), 1500),
        (serde_json::Value::Null, Some("7"), 7000),
        (serde_json::Value::Null, Some("2021-02-19T23:47:00Z"), 0),
        (serde_json::Value::Null, None, 0),
    ] {
        let vector = vector(serde_json::json!({ "now": now, "timestamp": stated }));
        let seen = |_: &Settings, _: &Delivery, now: UnixMillis| {
            assert_eq!(now, UnixMillis(clock));
            Verdict::Accepted
        };
        assert_eq!(output(&[vector], None, &seen).0, Exit::Success);
    }
}

#[test]
fn what_is_no_file_of_vectors_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("vectors.json");
    assert!(matches!(read(&path), Err(VectorsError::Io(..))));
    std::fs::write(&path, "{}").expect("written");
    assert!(matches!(read(&path), Err(VectorsError::Json(..))));
}
