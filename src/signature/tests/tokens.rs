//! Tokens at the gate: the vectors of the standards, what is claimed, and what forgers have tried.

use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::super::scheme::{Allow, BodyHash, Claims, Jws, TokenAlgorithm};
use super::super::{Draft, FetchedKeys, GateError, KeyError, Step, TOKEN_BYTES_MAX, TokenFault, Witness, sign};
use super::*;

const SECRET: &str = "a secret, of some length: yes";

fn jws(algorithm: TokenAlgorithm) -> Jws {
    let token = expr("header:authorization");
    Jws { algorithm, token, prefix: vec!["Bearer ".into()], claims: Claims::default(), fetched: None, body_hash: None }
}

fn block(jws: Jws) -> Block {
    Block::new(Kind::Jws(Box::new(jws)))
}

fn claiming(claims: Claims) -> Block {
    block(Jws { claims, ..jws(TokenAlgorithm::Hs256) })
}

fn bearing(token: &str, body: &str) -> Post {
    post(&[("authorization", &format!("Bearer {token}"))], body)
}

fn encoded(text: &str) -> String {
    BASE64URL_NOPAD.encode(text.as_bytes())
}

/// Signed with the secret under any header.
fn hs256(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&mac(Hash::Sha256, SECRET.as_bytes(), &signed)))
}

fn token(claims: &Value) -> String {
    hs256(r#"{"alg":"HS256"}"#, &claims.to_string())
}

fn seconds() -> u64 {
    NOW.0 / 1000
}

/// The example of RFC 7515, A.1 to A.3 and of RFC 8037, A.4; the first three say that they ended in 2011.
const RFC_TIME: UnixMillis = UnixMillis(1_300_819_380_000);
const RFC_CLAIMS: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn rfc(algorithm: TokenAlgorithm, key: &[u8], header: &str, signature: &str) {
    let claims = Claims { equal: vec![("iss".into(), vec!["joe".into()])], exp: true, ..Claims::default() };
    let block = block(Jws { claims, ..jws(algorithm) });
    let demands = Demands { blocks: vec![block], secrets: vec![Secret::new(key)], ..Demands::default() };
    let gate = Gate::new(demands).expect("a key");
    let token = format!("{header}.{RFC_CLAIMS}.{signature}");
    let proof = verdict_at(&gate, bearing(&token, ""), RFC_TIME).map(|proof| proof.kind);
    assert_eq!(proof, Ok(algorithm.verified()));
    assert_eq!(verdict_at(&gate, bearing(&token, ""), UnixMillis(RFC_TIME.0 + 60_001)), Err(Denial::Stale));
    let tampered = token.replacen(".eyJpc3MiOiJqb2Ui", ".eyJpc3MiOiJqb2Ei", 1);
    assert_ne!(tampered, token);
    assert_eq!(verdict_at(&gate, bearing(&tampered, ""), RFC_TIME), Err(Denial::Wrong));
}

#[test]
fn rfc_7515_a_1_hs256() {
    let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key = BASE64URL_NOPAD.decode(key.as_bytes()).expect("base64url");
    let header = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
    rfc(TokenAlgorithm::Hs256, &key, header, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

const RFC_RSA: &str = r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;

#[test]
fn rfc_7515_a_2_rs256() {
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    rfc(TokenAlgorithm::Rs256, RFC_RSA.as_bytes(), "eyJhbGciOiJSUzI1NiJ9", signature);
}

const RFC_EC: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

#[test]
fn rfc_7515_a_3_es256() {
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    rfc(TokenAlgorithm::Es256, RFC_EC.as_bytes(), "eyJhbGciOiJFUzI1NiJ9", signature);
}

/// Its payload is no JSON, so the signature holds and the claims do not.
#[test]
fn rfc_8037_a_4_eddsa() {
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let told = told(&gate(vec![block(jws(TokenAlgorithm::EdDsa))], &[key]), bearing(token, ""));
    assert_eq!(told, (true, Some(TokenFault::Claims)));
}

/// Whether a secret fitted, and what was wrong with the token.
fn told(gate: &Gate, post: Post) -> (bool, Option<TokenFault>) {
    #[derive(Default)]
    struct Told(bool, Option<TokenFault>);
    impl Witness for Told {
        fn saw(&mut self, step: Step<'_>) {
            match step {
                Step::Secret { matched, .. } => self.0 |= matched,
                Step::Token(fault) => self.1 = Some(fault),
                _ => {}
            }
        }
    }
    let mut told = Told::default();
    assert!(gate.check_with(post, NOW, &mut told).is_err() || told.1.is_none());
    (told.0, told.1)
}

#[test]
fn a_token_whose_form_is_not_strict_is_not_looked_at() {
    let gate = gate(vec![block(jws(TokenAlgorithm::Hs256))], &[SECRET]);
    let good = token(&json!({}));
    assert_eq!(told(&gate, bearing(&good, "")), (true, None));
    let parts: Vec<&str> = good.split('.').collect();
    let with_claims = |claims: &str| hs256(r#"{"alg":"HS256"}"#, claims);
    for (token, signed, fault) in [
        (format!("{}.{}", parts[0], parts[1]), false, TokenFault::NotCompact),
        (format!("{good}."), false, TokenFault::NotCompact),
        (format!("{good}="), false, TokenFault::NotCompact),
        (good.replacen('.', ". ", 1), false, TokenFault::NotCompact),
        (good.replacen('.', "=.", 1), false, TokenFault::NotCompact),
        (format!("{}+.{}.{}", parts[0], parts[1], parts[2]), false, TokenFault::NotCompact),
        // The unused bits at the end make another text of the same bytes.
        (format!("{}.e31.{}", parts[0], parts[2]), false, TokenFault::NotCompact),
        (hs256("[]", "{}"), false, TokenFault::Header),
        (hs256(r#"{"alg":"HS256"} x"#, "{}"), false, TokenFault::Header),
        (hs256(r#"{"alg":"none","alg":"HS256"}"#, "{}"), false, TokenFault::Header),
        (hs256(r#"{"alg":"HS256","\u0061lg":"HS256"}"#, "{}"), false, TokenFault::Header),
        (hs256(r#"{"alg":"HS256","kid":1}"#, "{}"), false, TokenFault::Header),
        (hs256("{}", "{}"), false, TokenFault::Algorithm),
        (hs256(r#"{"alg":"none"}"#, "{}"), false, TokenFault::Algorithm),
        (hs256(r#"{"alg":"hs256"}"#, "{}"), false, TokenFault::Algorithm),
        (hs256(r#"{"alg":["HS256"]}"#, "{}"), false, TokenFault::Algorithm),
        (hs256(r#"{"alg":"HS512"}"#, "{}"), false, TokenFault::Algorithm),
        (hs256(r#"{"alg":"RS256"}"#, "{}"), false, TokenFault::Algorithm),
        (hs256(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, "{}"), false, TokenFault::Critical),
        (with_claims(&" ".repeat(TOKEN_BYTES_MAX)), false, TokenFault::TooLong),
        (with_claims("[]"), true, TokenFault::Claims),
        (with_claims(r#"{"iss":"a","iss":"b"}"#), true, TokenFault::Claims),
        (with_claims("{} {}"), true, TokenFault::Claims),
    ] {
        assert_eq!(told(&gate, bearing(&token, "")), (signed, Some(fault)), "{token}");
        assert_eq!(verdict(&gate, bearing(&token, "")), Err(Denial::Wrong), "{token}");
    }
    let twice = [("authorization", &*format!("Bearer {good}")), ("authorization", &*format!("Bearer {good}"))];
    assert_eq!(told(&gate, post(&twice, "")), (false, Some(TokenFault::Repeated)));
    for missing in [post(&[], ""), post(&[("authorization", &good)], ""), bearing("", "")] {
        assert_eq!(verdict(&gate, missing), Err(Denial::Missing));
    }
}

#[test]
fn a_token_without_a_signature_proves_nothing() {
    let unsigned = |alg: &str| format!("{}.{}.", encoded(&format!(r#"{{"alg":"{alg}"}}"#)), encoded("{}"));
    for (algorithm, key) in
        [(TokenAlgorithm::Hs256, SECRET), (TokenAlgorithm::Rs256, RFC_RSA), (TokenAlgorithm::Es256, RFC_EC)]
    {
        let gate = gate(vec![block(jws(algorithm))], &[key]);
        for alg in ["none", "None", algorithm.as_str()] {
            assert_eq!(verdict(&gate, bearing(&unsigned(alg), "")), Err(Denial::Wrong), "{algorithm:?} {alg}");
        }
        let zeros = format!("{}{}", unsigned(algorithm.as_str()), BASE64URL_NOPAD.encode(&[0; 64]));
        assert_eq!(verdict(&gate, bearing(&zeros, "")), Err(Denial::Wrong), "{algorithm:?}");
    }
}

#[test]
fn a_public_key_is_never_the_secret_of_an_hmac() {
    let signed = format!("{}.{}", encoded(r#"{"alg":"HS256"}"#), encoded("{}"));
    let forged = format!("{signed}.{}", BASE64URL_NOPAD.encode(&mac(Hash::Sha256, RFC_RSA.as_bytes(), &signed)));
    let public = block(jws(TokenAlgorithm::Rs256));
    assert_eq!(verdict(&gate(vec![public.clone()], &[RFC_RSA]), bearing(&forged, "")), Err(Denial::Wrong));
    let both = gate(vec![public, block(jws(TokenAlgorithm::Hs256))], &[RFC_RSA]);
    assert_eq!(verdict(&both, bearing(&forged, "")), Err(Denial::Wrong));
}

#[test]
fn a_key_in_the_header_is_not_believed() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
    let jwk =
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, BASE64URL_NOPAD.encode(pair.public_key().as_ref()));
    let signed = format!("{}.{}", encoded(&format!(r#"{{"alg":"EdDSA","jwk":{jwk}}}"#)), encoded("{}"));
    let token = format!("{signed}.{}", BASE64URL_NOPAD.encode(pair.sign(signed.as_bytes()).as_ref()));
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).expect("a seed");
    let key = |pair: &Ed25519KeyPair| {
        let demands = Demands {
            blocks: vec![block(jws(TokenAlgorithm::EdDsa))],
            secrets: vec![Secret::new(pair.public_key().as_ref())],
            ..Demands::default()
        };
        Gate::new(demands).expect("a key")
    };
    assert_eq!(verdict(&key(&other), bearing(&token, "")), Err(Denial::Wrong));
    assert_eq!(opened(&key(&pair), bearing(&token, "")), Ok(Some(0)));
}

#[test]
fn times_are_bounded_in_both_directions() {
    let now = seconds();
    let all = || Claims { exp: true, iat: Some(Duration::from_mins(5)), ..Claims::default() };
    let none = Claims::default;
    for (claims, said, expected) in [
        (none(), json!({}), Ok(())),
        (none(), json!({ "exp": now - 60 }), Ok(())),
        (none(), json!({ "exp": now - 61 }), Err(Denial::Stale)),
        (none(), json!({ "exp": (now - 61).to_string() }), Err(Denial::Wrong)),
        (none(), json!({ "exp": -1 }), Err(Denial::Wrong)),
        (none(), json!({ "exp": 1e300 }), Err(Denial::Wrong)),
        (none(), json!({ "exp": u64::MAX }), Err(Denial::Wrong)),
        (none(), json!({ "exp": null }), Err(Denial::Wrong)),
        (none(), json!({ "nbf": now + 60 }), Ok(())),
        (none(), json!({ "nbf": now + 61, "exp": now + 3600 }), Err(Denial::Stale)),
        (none(), json!({ "nbf": "soon" }), Err(Denial::Wrong)),
        (none(), json!({ "iat": now - 99_999 }), Ok(())),
        (all(), json!({ "exp": now + 1, "iat": now }), Ok(())),
        (all(), json!({ "exp": now + 1, "iat": 1_759_999_999.5 }), Ok(())),
        (all(), json!({ "exp": now + 1, "iat": now - 300 }), Ok(())),
        (all(), json!({ "exp": now + 1, "iat": now - 301 }), Err(Denial::Stale)),
        (all(), json!({ "exp": now + 1, "iat": now + 301 }), Err(Denial::Stale)),
        (all(), json!({ "iat": now }), Err(Denial::Wrong)),
        (all(), json!({ "exp": now + 1 }), Err(Denial::Wrong)),
        (all(), json!({ "exp": now - 61, "iat": now }), Err(Denial::Stale)),
    ] {
        let gate = gate(vec![claiming(claims)], &[SECRET]);
        assert_eq!(verdict(&gate, bearing(&token(&said), "")).map(|_| ()), expected, "{said}");
    }
}

#[test]
fn claims_are_what_they_have_to_be() {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let claims = Claims {
        aud: texts(&["https://gw.example/in"]),
        equal: vec![("iss".into(), texts(&["a", "b"])), ("email_verified".into(), texts(&["true"]))],
        ..Claims::default()
    };
    let gate = gate(vec![claiming(claims)], &[SECRET]);
    let said = |aud: Value, iss: Value, verified: Value| json!({ "aud": aud, "iss": iss, "email_verified": verified });
    let ours = json!("https://gw.example/in");
    for (said, good) in [
        (said(ours.clone(), json!("a"), json!(true)), true),
        (said(json!(["x", "https://gw.example/in"]), json!("b"), json!("true")), true),
        (said(ours.clone(), json!("c"), json!(true)), false),
        (said(ours.clone(), json!(["a"]), json!(true)), false),
        (said(ours.clone(), json!("a"), json!(false)), false),
        (said(ours.clone(), json!("a"), json!(null)), false),
        (said(json!("https://gw.example/in/"), json!("a"), json!(true)), false),
        (said(json!([]), json!("a"), json!(true)), false),
        (said(json!({ "https://gw.example/in": 1 }), json!("a"), json!(true)), false),
        (json!({ "iss": "a", "email_verified": true }), false),
        (json!({ "aud": ours }), false),
    ] {
        let expected = if good { Ok(Some(0)) } else { Err(Denial::Wrong) };
        assert_eq!(opened(&gate, bearing(&token(&said), "")), expected, "{said}");
    }
}

#[test]
fn a_token_covers_the_body_whose_digest_it_claims() {
    for encoding in [Encoding::Hex, Encoding::Base64Url] {
        let body_hash = BodyHash { claim: "sha256".into(), hash: Hash::Sha256, encoding };
        let gate = gate(vec![block(Jws { body_hash: Some(body_hash), ..jws(TokenAlgorithm::Hs256) })], &[SECRET]);
        let claimed = |text: Value| token(&json!({ "sha256": text }));
        let right = encoding.encode(&Hash::Sha256.digest([b"body".as_slice()]));
        assert_eq!(opened(&gate, bearing(&claimed(right.as_str().into()), "body")), Ok(Some(0)));
        for (text, body) in [
            (json!(right), "body "),
            (json!(right.replacen(|c: char| c != '0', "", 2)), "body"),
            (json!(""), "body"),
            (json!(null), "body"),
            (json!([right]), "body"),
        ] {
            assert_eq!(opened(&gate, bearing(&claimed(text.clone()), body)), Err(Denial::Wrong), "{text} {body}");
        }
        assert_eq!(opened(&gate, bearing(&token(&json!({})), "body")), Err(Denial::Wrong));
    }
}

fn es256(pair: &EcdsaKeyPair, kid: Option<&str>) -> String {
    let header = kid.map_or_else(|| json!({ "alg": "ES256" }), |kid| json!({ "alg": "ES256", "kid": kid }));
    let signed = format!("{}.{}", encoded(&header.to_string()), encoded("{}"));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("randomness");
    format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

fn es256_pair() -> (Vec<u8>, EcdsaKeyPair) {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a pair");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("a pair");
    (pkcs8.as_ref().to_vec(), pair)
}

fn jwk(pair: &EcdsaKeyPair, further: &Value) -> Value {
    let point = pair.public_key().as_ref();
    let mut key = json!({
        "kty": "EC", "crv": "P-256",
        "x": BASE64URL_NOPAD.encode(&point[1..33]), "y": BASE64URL_NOPAD.encode(&point[33..]),
    });
    for (name, value) in further.as_object().expect("an object") {
        key[name] = value.clone();
    }
    key
}

#[test]
fn a_token_chooses_its_key_by_name_and_without_one_all_are_tried() {
    let ((_, one), (_, other)) = (es256_pair(), es256_pair());
    let with = |keys: &Value| gate(vec![block(jws(TokenAlgorithm::Es256))], &[&keys.to_string()]);
    let named = with(&json!({ "keys": [jwk(&one, &json!({ "kid": "1" })), jwk(&other, &json!({ "kid": "2" }))] }));
    for (token, good) in [
        (es256(&one, Some("1")), true),
        (es256(&other, Some("2")), true),
        (es256(&one, None), true),
        (es256(&one, Some("2")), false),
        (es256(&one, Some("3")), false),
    ] {
        assert_eq!(verdict(&named, bearing(&token, "")).is_ok(), good, "{token}");
    }
    let unnamed = with(&jwk(&one, &json!({ "use": "sig", "alg": "ES256", "key_ops": ["verify"] })));
    assert!(verdict(&unnamed, bearing(&es256(&one, Some("1")), "")).is_ok());
    assert!(verdict(&unnamed, bearing(&es256(&other, Some("1")), "")).is_err());
}

#[test]
fn a_set_without_a_key_for_such_tokens_is_no_secret() {
    let (_, pair) = es256_pair();
    let refused = |text: &str| match Gate::new(demands(vec![block(jws(TokenAlgorithm::Es256))], &[text])) {
        Ok(_) => None,
        Err(errors) => errors.into_iter().find_map(|error| match error {
            GateError::Secret { why, .. } => Some(why),
            GateError::Block { .. } => None,
        }),
    };
    let mut off_size = jwk(&pair, &json!({}));
    off_size["x"] = "AAAA".into();
    let twice = jwk(&pair, &json!({})).to_string().replacen('{', r#"{"kty":"EC","#, 1);
    for text in [
        "{}".to_owned(),
        r#"{"keys":[]}"#.into(),
        r#"{"keys":{}}"#.into(),
        RFC_RSA.into(),
        r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}"#.into(),
        jwk(&pair, &json!({ "use": "enc" })).to_string(),
        jwk(&pair, &json!({ "alg": "ES384" })).to_string(),
        jwk(&pair, &json!({ "key_ops": ["sign"] })).to_string(),
        jwk(&pair, &json!({ "crv": "P-384" })).to_string(),
        jwk(&pair, &json!({ "kid": 1 })).to_string(),
        off_size.to_string(),
        twice,
        "no key".into(),
    ] {
        assert_eq!(refused(&text), Some(KeyError::NotTokenKey), "{text}");
    }
    let many = json!({ "keys": vec![jwk(&pair, &json!({})); 65] });
    assert_eq!(refused(&many.to_string()), Some(KeyError::TooManyKeys));
    let mixed = json!({ "keys": [{ "kty": "new" }, jwk(&pair, &json!({}))] });
    assert_eq!(refused(&mixed.to_string()), None);
    // 1024 bits.
    let short = format!(r#"{{"kty":"RSA","e":"AQAB","n":"{}"}}"#, BASE64URL_NOPAD.encode(&[0xc3; 128]));
    let errors = Gate::new(demands(vec![block(jws(TokenAlgorithm::Rs256))], &[&short])).expect_err("too short");
    assert!(errors[0].to_string().contains("2048"), "{errors:?}");
}

#[test]
fn what_a_handshake_signs_for_strangers_is_no_token() {
    let demands = Demands {
        signs_for_strangers: vec![Allow::Token],
        ..demands(vec![block(jws(TokenAlgorithm::Hs256))], &[SECRET])
    };
    let gate = Gate::new(demands).expect("a gate");
    assert_eq!(opened(&gate, bearing(&token(&json!({})), "")), Err(Denial::Wrong));
}

#[test]
fn what_the_senders_side_issues_opens_the_gate() {
    let draft =
        Draft { method: "POST".into(), target: "/in".into(), headers: http::HeaderMap::new(), body: b"body".to_vec() };
    let (pkcs8, pair) = es256_pair();
    let public = jwk(&pair, &json!({ "kid": "1" })).to_string();
    for (algorithm, private, public) in
        [(TokenAlgorithm::Hs256, SECRET.as_bytes().to_vec(), SECRET.to_owned()), (TokenAlgorithm::Es256, pkcs8, public)]
    {
        let claims = Claims {
            aud: vec!["us".into()],
            exp: true,
            iat: Some(Duration::from_mins(5)),
            equal: vec![("email_verified".into(), vec!["true".into()])],
        };
        let body_hash = Some(BodyHash { claim: "sha256".into(), hash: Hash::Sha256, encoding: Encoding::Hex });
        let demands = demands(vec![block(Jws { claims, body_hash, ..jws(algorithm) })], &[&public]);
        let signed = |at| {
            let Draft { method, target, headers, body } =
                sign(&demands, &Secret::new(private.clone()), &draft, at).expect("signed");
            Post { method, target, headers, body, path_secret: None, peer: None }
        };
        let gate = Gate::new(demands.clone()).expect("a gate");
        assert_eq!(opened(&gate, signed(NOW)), Ok(Some(0)), "{algorithm:?}");
        assert_eq!(opened(&gate, signed(UnixMillis(NOW.0 - 3_600_000))), Err(Denial::Stale), "{algorithm:?}");
    }
}

#[test]
fn keys_that_are_fetched_are_waited_for_and_replaced_as_a_whole() {
    let ((_, one), (_, other)) = (es256_pair(), es256_pair());
    let keys = FetchedKeys::for_tokens("https://a.example/keys".into(), None, TokenAlgorithm::Es256);
    let block = block(Jws { fetched: Some(keys.clone()), ..jws(TokenAlgorithm::Es256) });
    let gate = gate(vec![block, header("x-key")], &[SECRET]);
    let ask = |pair: &EcdsaKeyPair| opened(&gate, bearing(&es256(pair, Some("1")), ""));
    assert_eq!(ask(&one), Err(Denial::NoKeysYet));
    assert_eq!(opened(&gate, post(&[], "")), Err(Denial::Missing));
    assert_eq!(opened(&gate, post(&[("x-key", "wrong")], "")), Err(Denial::Wrong));
    assert_eq!(opened(&gate, post(&[("x-key", SECRET)], "")), Ok(Some(0)));
    let set = |pair: &EcdsaKeyPair| json!({ "keys": [jwk(pair, &json!({ "kid": "1" }))] }).to_string();
    keys.learn(set(&one).as_bytes()).expect("a set");
    assert_eq!((ask(&one), ask(&other)), (Ok(None), Err(Denial::Wrong)));
    assert!(keys.learn(b"<html>").is_err_and(|why| why.contains("no public key")));
    assert_eq!(ask(&one), Ok(None), "the old ones stay");
    keys.learn(set(&other).as_bytes()).expect("a set");
    assert_eq!((ask(&one), ask(&other)), (Err(Denial::Wrong), Ok(None)));
}

proptest::proptest! {
    #[test]
    fn no_token_makes_it_panic_and_none_that_is_unsigned_opens(
        header in ".{0,60}", claims in ".{0,60}", more in "[A-Za-z0-9._=-]{0,80}",
    ) {
        let gate = gate(vec![block(jws(TokenAlgorithm::Hs256))], &[SECRET]);
        for token in [format!("{}.{}.{more}", encoded(&header), encoded(&claims)), more.clone()] {
            proptest::prop_assert!(verdict(&gate, bearing(&token, "")).is_err());
        }
        // Signed, and with anything inside.
        told(&gate, bearing(&hs256(r#"{"alg":"HS256"}"#, &claims), ""));
        told(&gate, bearing(&hs256(&header, &claims), ""));
    }
}
