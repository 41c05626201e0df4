//! Which secrets a gate can be built with.

use super::super::scheme::{Allow, Check, SecretFormat};
use super::super::{BlockProblem, GateError, KeyError, Replier, ReplyError, SecretAt, WeakSecret};
use super::*;

const LONG: &str = "a secret of some length";
const HEX_KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

fn format(decode: Encoding) -> SecretFormat {
    SecretFormat { decode: Some(decode), ..SecretFormat::default() }
}

fn errors(demands: Demands) -> Vec<GateError> {
    Gate::new(demands).expect_err("no gate")
}

fn secret_error(index: usize, why: KeyError) -> GateError {
    GateError::Secret { at: SecretAt { block: None, index }, why }
}

#[test]
fn all_secrets_that_cannot_be_used_are_told_at_once() {
    let block = Block { secret_format: format(Encoding::Base64), ..hmac(signed("header:x-sig")) };
    let found = errors(demands(vec![block], &["", "YWJjZGVmZ2hpamtsbW5vcA==", "not base64!", "===="]));
    assert_eq!(
        found,
        [
            secret_error(0, KeyError::Empty),
            secret_error(2, KeyError::NotEncoded(Encoding::Base64)),
            secret_error(3, KeyError::NotEncoded(Encoding::Base64)),
        ]
    );
    assert_eq!(
        found[1].to_string(),
        "secret 2 cannot be used: it is not written in base64",
        "and never shown: {}",
        "not base64!"
    );
}

#[test]
fn a_secret_that_one_block_can_use_is_good() {
    let decoded = Block { secret_format: format(Encoding::Hex), ..hmac(signed("header:x-sig")) };
    let gate = gate(vec![decoded, header("x-token")], &["no hex, but some length", HEX_KEY]);
    assert_eq!(opened(&gate, post(&[("x-token", "no hex, but some length")], "")), Ok(Some(0)));
    let key = Encoding::Hex.decode(HEX_KEY.as_bytes()).expect("hex");
    let signature = Encoding::Hex.encode(&mac(Hash::Sha256, &key, "body"));
    assert_eq!(opened(&gate, post(&[("x-sig", &signature)], "body")), Ok(Some(1)));
}

#[test]
fn a_secret_that_no_block_asks_for_is_an_error() {
    let own = Block { secrets: vec![Secret::new(LONG)], ..header("x-key") };
    assert_eq!(errors(demands(vec![own], &[LONG])), [secret_error(0, KeyError::Unclaimed)]);
    assert_eq!(errors(demands(vec![Block::new(Kind::None)], &[LONG])), [secret_error(0, KeyError::Unclaimed)]);
    let required = SecretFormat { require: Some("whpk_".to_owned()), ..SecretFormat::default() };
    let block = Block { secret_format: required, ..hmac(signed("header:x-sig")) };
    assert_eq!(errors(demands(vec![block], &[LONG])), [secret_error(0, KeyError::OtherStart("whpk_".to_owned()))]);
    let too_long = "x".repeat(5000);
    assert_eq!(errors(demands(vec![header("x-key")], &[&too_long])), [secret_error(0, KeyError::TooLong)]);
}

#[test]
fn a_blocks_own_secrets_are_its_alone() {
    let own = Block { secrets: vec![Secret::new("the old block's secret")], ..header("x-old") };
    let gate = gate(vec![header("x-new"), own], &[LONG]);
    assert_eq!(opened(&gate, post(&[("x-old", "the old block's secret")], "")), Ok(Some(1)));
    assert_eq!(opened(&gate, post(&[("x-new", "the old block's secret")], "")), Err(Denial::Wrong));
    assert_eq!(opened(&gate, post(&[("x-old", LONG)], "")), Err(Denial::Wrong));
    let empty = Block { secrets: vec![Secret::new("")], ..header("x-old") };
    let at = SecretAt { block: Some(1), index: 0 };
    assert_eq!(
        errors(demands(vec![header("x-new"), empty], &[LONG])),
        [GateError::Secret { at, why: KeyError::Empty }]
    );
    assert_eq!(at.to_string(), "secret 0 of block 1");
}

#[test]
fn a_short_secret_is_told_by_what_is_left_of_it() {
    let block = Block { secret_format: format(Encoding::Hex), ..hmac(signed("header:x-sig")) };
    let gate = gate(vec![block], &["000102030405060708090a0b0c0d0e", "000102030405060708090a0b0c0d0e0f"]);
    assert_eq!(gate.weak_secrets(), [WeakSecret { at: SecretAt { block: None, index: 0 }, bytes: 15 }]);
    let digest = SecretFormat { digest: Some(Hash::Sha256), ..SecretFormat::default() };
    let gate = self::gate(vec![Block { secret_format: digest, ..hmac(signed("header:x-sig")) }], &["short"]);
    assert_eq!(gate.weak_secrets().len(), 1, "a digest makes no secret stronger");
}

/// Else whoever knows the public key could sign with it.
#[test]
fn a_public_key_is_never_tried_as_a_secret() {
    let public = Block { secret_format: format(Encoding::Hex), ..ed25519(prefixed("header:x-sig", "v1a,")) };
    let secret = hmac(prefixed("header:x-sig", "v1,"));
    let decoded = Block { secret_format: format(Encoding::Hex), ..secret.clone() };
    let gate = gate(vec![secret, decoded, header("x-key"), public], &[HEX_KEY, LONG]);
    let key = Encoding::Hex.decode(HEX_KEY.as_bytes()).expect("hex");
    for forged in [hex_mac(HEX_KEY, "body"), Encoding::Hex.encode(&mac(Hash::Sha256, &key, "body"))] {
        assert_eq!(opened(&gate, post(&[("x-sig", &format!("v1,{forged}"))], "body")), Err(Denial::Wrong));
    }
    assert_eq!(opened(&gate, post(&[("x-key", HEX_KEY)], "body")), Err(Denial::Wrong));
    assert_eq!(opened(&gate, post(&[("x-sig", &format!("v1,{}", hex_mac(LONG, "body")))], "body")), Ok(Some(1)));
    // RFC 8032, 7.1, test 1: the signature of the empty message under that key.
    let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
    assert_eq!(opened(&gate, post(&[("x-sig", &format!("v1a,{signature}"))], "")), Ok(Some(0)));
}

#[test]
fn the_same_holds_where_the_public_key_is_another_blocks_own() {
    let public = Block {
        secret_format: format(Encoding::Hex),
        secrets: vec![Secret::new(HEX_KEY)],
        ..ed25519(prefixed("header:x-sig", "v1a,"))
    };
    let found = errors(demands(vec![hmac(prefixed("header:x-sig", "v1,")), public], &[HEX_KEY]));
    assert_eq!(found, [secret_error(0, KeyError::Public)]);
}

#[test]
fn a_block_that_proves_nothing_is_an_error() {
    let with = |parts: &[&[&str]]| Signed {
        contents: parts.iter().map(|parts| content(parts)).collect(),
        ..signed("header:x-sig")
    };
    let hash = |parts: &[&[&str]]| Block::new(Kind::Hash(Hash::Sha256, with(parts)));
    let check = |block: Block| Block { checks: vec![Check::Block(Box::new(block))], ..header("x-key") };
    for (block, problem) in [
        (hmac(Signed { signature: Vec::new(), ..signed("header:x-sig") }), BlockProblem::NoSignature),
        (hmac(with(&[])), BlockProblem::NoContent),
        (hmac(with(&[&["body"], &[]])), BlockProblem::NoContent),
        (hash(&[&["body"]]), BlockProblem::HashWithoutSecret),
        (hash(&[&["secret", "body"], &["body"]]), BlockProblem::HashWithoutSecret),
        (hmac(with(&[&["url"]])), BlockProblem::NoPublicUrl),
        (hmac(with(&[&["kv:t", "body"]])), BlockProblem::NoSeparator),
        (check(header("x-other")), BlockProblem::CheckWithoutSecret),
        (
            check(Block { secrets: vec![Secret::new(LONG)], ..hmac(signed("header:x-sig")) }),
            BlockProblem::CheckWithoutSecret,
        ),
    ] {
        let found = errors(demands(vec![block], &[LONG]));
        assert_eq!(found, [GateError::Block { block: 0, problem }], "{problem}");
    }
}

#[test]
fn each_element_cannot_sign_the_whole_body() {
    let batch = Some(crate::locate::Batch::parse("json:/").expect("a batch"));
    let found = errors(Demands { batch, ..demands(vec![hmac(signed("item:/sig"))], &[LONG]) });
    assert_eq!(found, [GateError::Block { block: 0, problem: BlockProblem::BodyOfEachItem }]);
    assert!(Gate::new(demands(vec![hmac(signed("item:/sig"))], &[LONG])).is_ok(), "without a batch there is one");
}

#[test]
fn neither_a_gate_nor_its_errors_show_a_secret() {
    let gate = gate(vec![hmac(signed("header:x-sig")), header("x-key")], &[LONG]);
    assert!(!format!("{gate:?}").contains(LONG));
    assert!(!format!("{gate:?}").contains(&Encoding::Hex.encode(LONG.as_bytes())));
}

#[test]
fn no_two_secrets_of_a_source_have_one_number() {
    let own = |name, secrets: &[&str]| Block {
        secrets: secrets.iter().map(|secret| Secret::new(*secret)).collect(),
        ..header(name)
    };
    let blocks = vec![own("x-a", &["the first of a block"]), header("x-b"), own("x-c", &["the second", "the third"])];
    let demands = demands(blocks, &["the source's own", "its other one"]);
    assert_eq!(demands.secrets_in_all(), 5);
    let gate = Gate::new(demands).expect("a gate");
    for (name, secret, number) in [
        ("x-b", "the source's own", 0),
        ("x-b", "its other one", 1),
        ("x-a", "the first of a block", 2),
        ("x-c", "the second", 3),
        ("x-c", "the third", 4),
    ] {
        assert_eq!(opened(&gate, post(&[(name, secret)], "")), Ok(Some(number)), "{secret}");
    }
}

#[test]
fn a_reply_is_signed_by_the_first_secret_that_is_a_key_of_the_hmac() {
    let own = |secret: &str, block: Block| Block { secrets: vec![Secret::new(secret)], ..block };
    let by_hmac = || hmac(signed("header:x-sig"));
    let by_query = || Block::new(Kind::Query("key".into()));
    let mac = |format: &SecretFormat, blocks: Vec<Block>, secrets: &[&str]| {
        let replier = Replier::of(&demands(blocks, secrets), Hash::Sha256, Encoding::Hex, format);
        replier.map(|replier| replier.mac(Allow::Token, b"token").expect("a MAC"))
    };
    let (text, hex) = (SecretFormat::default(), format(Encoding::Hex));
    assert_eq!(mac(&text, vec![by_hmac()], &["one", "two"]), Ok(hex_mac("one", "token")));
    assert_eq!(mac(&text, vec![own("three", by_query()), own("two", by_hmac())], &[]), Ok(hex_mac("two", "token")));
    assert_eq!(mac(&text, vec![own("two", by_hmac()), by_query()], &["one"]), Ok(hex_mac("two", "token")));
    assert_eq!(mac(&text, vec![own("three", by_query())], &[]), Ok(hex_mac("three", "token")));
    assert_eq!(mac(&hex, vec![by_hmac()], &["no hex", "6f6e65"]), Ok(hex_mac("one", "token")));
    let not_hex = ReplyError::Key(KeyError::NotEncoded(Encoding::Hex));
    assert_eq!(mac(&hex, vec![by_hmac()], &["no hex"]), Err(not_hex));
    assert_eq!(mac(&text, vec![by_hmac()], &[]), Err(ReplyError::NoSecret));
    let key = own(HEX_KEY, Block { secret_format: format(Encoding::Hex), ..ed25519(signed("header:x-sig")) });
    let public = mac(&text, vec![key, by_hmac()], &[HEX_KEY]);
    assert_eq!(public, Err(ReplyError::Key(KeyError::Public)), "everybody may know it");
}

#[test]
fn a_learned_secret_counts_beside_the_others_and_changes_no_number() {
    let own = Block { secrets: vec![Secret::new("a secret of the block alone")], ..header("x-own") };
    let with = |learned: &[&str]| Demands {
        learned: learned.iter().map(|secret| Secret::new(*secret)).collect(),
        ..demands(vec![header("x-key"), own.clone()], &[LONG])
    };
    let demands = with(&["the first that was learned", "the second of them"]);
    assert_eq!(demands.secrets_in_all(), 4);
    let gate = Gate::new(demands).expect("a gate");
    for (header, secret, number) in [
        ("x-key", LONG, 0),
        ("x-own", "a secret of the block alone", 1),
        ("x-key", "the first that was learned", 2),
        ("x-key", "the second of them", 3),
    ] {
        assert_eq!(opened(&gate, post(&[(header, secret)], "")), Ok(Some(number)), "{secret}");
    }
    assert_eq!(opened(&gate, post(&[("x-own", "the second of them")], "")), Err(Denial::Wrong));
    assert_eq!(errors(with(&["good enough to be learned", ""])), [secret_error(2, KeyError::Empty)]);
}

#[test]
fn a_public_key_that_was_learned_is_no_secret_of_another_block() {
    let public = Block { secret_format: format(Encoding::Hex), ..ed25519(signed("header:x-public")) };
    let gate =
        Demands { learned: vec![Secret::new(HEX_KEY)], ..demands(vec![public, hmac(signed("header:x-sig"))], &[]) };
    let gate = Gate::new(gate).expect("a gate");
    assert_eq!(opened(&gate, post(&[("x-sig", &hex_mac(HEX_KEY, "body"))], "body")), Err(Denial::Wrong));
}
