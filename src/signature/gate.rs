//! The gate: the one place where a credential is compared, and the only one that can build [`Authentic`].
//!
//! What is compared has a fixed length on both sides and is compared in constant time; every secret is tried on every
//! candidate and content of every block, whatever the first ones said. A comparison gives a [`Choice`], a `Choice` that
//! holds a `Matched`, and only a `Matched` a [`Proof`]: there is no `bool` on the way that could be forgotten or turned.

use std::hint::black_box;

use subtle::{Choice, ConstantTimeEq as _};

use super::candidates::Candidates;
use super::checks;
use super::content::{Content, UrlParts};
use super::demands::Demands;
use super::faults::{GateError, WeakSecret};
use super::fetched::Verify as _;
use super::freshness::Freshness;
use super::jws::{Members, Token, TokenFault};
use super::lock::{self, Condition, Key, Lock, Material};
use super::mac::{MacKey, Tag};
use super::presented::Presented;
use super::proof::{Denial, Proof};
use super::scheme::{Allow, Block, BodyDigest, BodyHash, Hash, Jws, Kind, Signed};
use super::witness::{Step, Witness};
use crate::clock::UnixMillis;
use crate::locate::{Batch, Element, Elements, Request, Scope, elements};

/// What a source demands of a request, with its keys prepared.
#[derive(Debug)]
pub struct Gate {
    locks: Vec<Lock>,
    weak: Vec<WeakSecret>,
    /// Nobody knows it: under it, secrets of any length become comparable.
    blind: MacKey,
    public_url: Option<String>,
    batch: Option<Batch>,
    signs_for_strangers: Vec<Allow>,
}

/// Something that can be authenticated: a request that has been read.
pub trait Subject {
    /// What the scheme looks at.
    fn request(&self) -> Request<'_>;
}

/// A `T` whose sender has been proven. Only the gate builds one; grep for `Authentic {` to audit it.
#[derive(Debug)]
pub struct Authentic<T> {
    subject: T,
    proof: Proof,
}

/// A subject that has not been proven, given back.
#[derive(Debug)]
pub struct Denied<T> {
    /// What was checked.
    pub subject: T,
    /// For the operator; the sender never learns it.
    pub reason: Denial,
}

impl<T> Authentic<T> {
    /// What was proven.
    pub fn get(&self) -> &T {
        &self.subject
    }

    /// How.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Apart again, when the proof has served.
    pub fn into_parts(self) -> (T, Proof) {
        (self.subject, self.proof)
    }
}

impl Gate {
    /// What stands in for an unknown or disabled source: one HMAC-SHA256 over the body, and nothing satisfies it.
    #[must_use]
    pub fn decoy() -> Self {
        Self {
            locks: Vec::new(),
            weak: Vec::new(),
            blind: MacKey::unknown(),
            public_url: None,
            batch: None,
            signs_for_strangers: Vec::new(),
        }
    }

    /// Prepares the keys. A source without secrets is no error: one that learns its secret refuses all until then.
    ///
    /// # Errors
    /// Every secret that is empty, cannot be decoded, or that no block can use, and every block that could prove nothing.
    pub fn new(demands: Demands) -> Result<Self, Vec<GateError>> {
        let blind = MacKey::unknown();
        let (locks, weak) = lock::prepare(&demands, &blind)?;
        let Demands { public_url, batch, signs_for_strangers, .. } = demands;
        Ok(Self { locks, weak, blind, public_url, batch, signs_for_strangers })
    }

    /// The secrets that work and should be longer.
    #[must_use]
    pub fn weak_secrets(&self) -> &[WeakSecret] {
        &self.weak
    }

    /// Evaluates every block, content, secret and candidate, whatever the first ones said, and never less work than the
    /// decoy's.
    ///
    /// # Errors
    /// Gives the subject back with the reason.
    pub fn check<T: Subject>(&self, subject: T, now: UnixMillis) -> Result<Authentic<T>, Denied<T>> {
        self.check_with(subject, now, &mut ())
    }

    /// The same, step by step before a witness.
    ///
    /// # Errors
    /// Gives the subject back with the reason.
    pub fn check_with<T: Subject>(
        &self,
        subject: T,
        now: UnixMillis,
        witness: &mut impl Witness,
    ) -> Result<Authentic<T>, Denied<T>> {
        match self.judge(subject.request(), now, witness) {
            Ok(proof) => Ok(Authentic { subject, proof }),
            Err(reason) => Err(Denied { subject, reason }),
        }
    }

    fn judge(&self, request: Request<'_>, now: UnixMillis, witness: &mut impl Witness) -> Result<Proof, Denial> {
        let of_items = self.locks.iter().any(|lock| lock.of_items);
        let batch = self.batch.as_ref().filter(|_| of_items);
        // No array where one should be is as good as an empty one: nothing in it proves anything.
        let elements = batch.map(|batch| elements(batch, &request).unwrap_or_default());
        let mut bout = Bout { gate: self, request, now, elements: elements.as_ref(), witness, bytes_hashed: 0 };
        let mut proof = None;
        let mut denial = Denial::Missing;
        for (index, lock) in self.locks.iter().enumerate() {
            bout.witness.saw(lock.as_step(index));
            let opened = bout.open(lock);
            bout.witness.saw(Step::Verdict(opened.as_ref().err().copied()));
            match opened {
                Ok(found) => proof = proof.or(Some(found)),
                Err(reason) => denial = denial.max(reason),
            }
        }
        // A refusal costs at least what the decoy's costs, whatever was missing.
        if proof.is_none() && bout.bytes_hashed < request.body.len().max(1) {
            black_box(self.blind.mac([request.body]));
        }
        proof.ok_or(denial)
    }
}

/// One request at the gate.
struct Bout<'g, W> {
    gate: &'g Gate,
    request: Request<'g>,
    now: UnixMillis,
    /// The elements of the batch, where there is one and a block asks for a credential of each.
    elements: Option<&'g Elements<'g>>,
    witness: &'g mut W,
    bytes_hashed: usize,
}

/// That a comparison held. Minted only from the result of one, below; a [`Proof`] is made of it and of nothing else.
struct Matched(());

impl Matched {
    fn by(choice: Choice) -> Option<Self> {
        bool::from(choice).then_some(Self(()))
    }

    fn prove(self, lock: &Lock, slot: usize, skew_seconds: Option<f64>) -> Proof {
        let Self(()) = self;
        Proof { kind: lock.block.kind.verified(), secret: lock.keys.get(slot).and_then(|key| key.index), skew_seconds }
    }
}

/// What holds beside the signature, over all elements.
struct Rest {
    freshness: Option<Freshness>,
    holds: bool,
}

impl Rest {
    /// Of several times, such as those of the elements of a batch, the first that is not fresh counts.
    fn is_as_fresh_as(&mut self, found: Freshness) {
        if matches!(self.freshness, None | Some(Freshness::Fresh(_))) {
            self.freshness = Some(found);
        }
    }
}

impl<'g, W: Witness> Bout<'g, W> {
    /// Tries one block on all that it is for: the request, or each element of its batch.
    fn open(&mut self, lock: &'g Lock) -> Result<Proof, Denial> {
        let mut all = vec![Choice::from(1); lock.slots()];
        let mut rest = Rest { freshness: None, holds: true };
        let (mut tried, mut present) = (false, false);
        let mut scope = Scope::of(self.request);
        for element in self.places(lock) {
            if let Some(element) = element {
                self.witness.saw(Step::Element(element.index()));
                scope.enter(element);
            }
            let (here, choices) = self.compare(lock, &mut scope);
            (tried, present) = (true, present | here);
            all.iter_mut().zip(&choices).for_each(|(all, one)| *all &= *one);
            if Matched::by(any(choices)).is_some() {
                self.look_at_the_rest(lock, &scope, &mut rest);
            }
        }
        let matched = all.into_iter().enumerate().find_map(|(slot, all)| Some((slot, Matched::by(all)?)));
        match (matched.filter(|_| tried), rest.freshness) {
            (None, _) if !present => Err(Denial::Missing),
            (None, _) if lock.lacks_keys() => Err(Denial::NoKeysYet),
            (Some(_), Some(Freshness::Stale(_))) => Err(Denial::Stale),
            (None, _) | (Some(_), Some(Freshness::Unreadable)) => Err(Denial::Wrong),
            (Some(_), _) if !rest.holds => Err(Denial::Wrong),
            (Some((slot, matched)), Some(Freshness::Fresh(skew))) => Ok(matched.prove(lock, slot, Some(skew))),
            (Some((slot, matched)), None) => Ok(matched.prove(lock, slot, None)),
        }
    }

    /// What a block is tried on: each element of the batch, or once the whole request. An empty batch proves nothing.
    fn places(&self, lock: &Lock) -> Box<dyn Iterator<Item = Option<Element<'g>>> + 'g> {
        match self.elements {
            Some(elements) if lock.of_items => Box::new(elements.iter().map(Some)),
            _ => Box::new(std::iter::once(None)),
        }
    }

    /// Whether anything was presented, and for each secret whether it fitted.
    fn compare(&mut self, lock: &'g Lock, scope: &mut Scope<'g>) -> (bool, Vec<Choice>) {
        let (present, choices) = match (&lock.block.kind, lock.block.kind.signed()) {
            (Kind::Jws(jws), _) => self.compare_token(lock, jws, scope),
            (_, Some(signed)) => self.compare_signatures(lock, signed, scope),
            (_, None) => self.compare_secrets(lock, scope),
        };
        for (slot, choice) in choices.iter().enumerate() {
            let index = lock.keys.get(slot).and_then(|key| key.index);
            self.witness.saw(Step::Secret { index, matched: bool::from(*choice) });
        }
        (present, choices)
    }

    fn compare_secrets(&mut self, lock: &'g Lock, scope: &Scope<'g>) -> (bool, Vec<Choice>) {
        if matches!(lock.block.kind, Kind::None) {
            return (true, vec![Choice::from(1)]);
        }
        let presented = lock.block.kind.presented(scope);
        let present = presented != Presented::Missing;
        let (value, refused) = match presented {
            Presented::Value(value) => (Some(value), None),
            Presented::Refused(refusal) => (None, Some(refusal)),
            Presented::Missing => (None, None),
        };
        let candidates = usize::from(value.is_some());
        self.witness.saw(Step::Credential { present, candidates, passed_over: 0, refused });
        // Both sides under a key that nobody knows: neither the length nor the place of a difference can be measured.
        let blinded = self.gate.blind.mac([value.as_deref().unwrap_or_default()]);
        let is_there = Choice::from(u8::from(value.is_some()));
        let fits = |key: &Key| match &key.material {
            Material::Blinded(expected) => expected.ct_eq(&blinded) & is_there,
            _ => Choice::from(0),
        };
        (present, lock.keys.iter().map(fits).collect())
    }

    fn compare_signatures(&mut self, lock: &'g Lock, signed: &'g Signed, scope: &mut Scope<'g>) -> (bool, Vec<Choice>) {
        let found = Candidates::find(&lock.block.kind, signed, scope);
        self.witness.saw(found.as_step());
        let url = UrlParts { public_url: self.gate.public_url.as_deref(), unescape: &signed.url_unescape };
        let mut choices = vec![Choice::from(0); lock.slots()];
        for parts in &signed.contents {
            let content = match Content::assemble(parts, scope, url) {
                Ok(content) => content,
                Err(gap) => {
                    self.witness.saw(Step::Gap(gap));
                    continue;
                }
            };
            if self.gate.signs_for_strangers.iter().any(|allow| content.is_only(*allow)) {
                self.witness.saw(Step::SignedForStrangers);
                continue;
            }
            self.witness.saw(Step::Signed(&content));
            for (key, choice) in lock.keys.iter().zip(&mut choices) {
                // Only a MAC is sure to read all of it; a public key passes over what cannot be its signature.
                if !matches!(key.material, Material::Public(_)) {
                    self.bytes_hashed += content.len();
                }
                *choice |= fits(&lock.block.kind, signed, key, &content, &found.list);
            }
        }
        (found.present, choices)
    }

    fn compare_token(&mut self, lock: &'g Lock, jws: &'g Jws, scope: &Scope<'g>) -> (bool, Vec<Choice>) {
        let nothing = || vec![Choice::from(0); lock.slots()];
        let token = match jws.find(scope) {
            Ok(Some(token)) => token,
            Ok(None) => {
                let step = Step::Credential { present: false, candidates: 0, passed_over: 0, refused: None };
                self.witness.saw(step);
                return (false, nothing());
            }
            Err(fault) => {
                self.witness.saw(Step::Token(fault));
                return (true, nothing());
            }
        };
        let content = Content::of(token.signed());
        if self.gate.signs_for_strangers.iter().any(|allow| content.is_only(*allow)) {
            self.witness.saw(Step::SignedForStrangers);
            return (true, nothing());
        }
        self.witness.saw(Step::Signed(&content));
        (true, lock.keys.iter().map(|key| has_signed(key, &token)).collect())
    }

    fn look_at_claims(&mut self, jws: &'g Jws, scope: &Scope<'g>, rest: &mut Rest) {
        let token = jws.find(scope).ok().flatten();
        let Some(claims) = token.as_ref().and_then(Token::claims) else {
            self.witness.saw(Step::Token(TokenFault::Claims));
            rest.holds = false;
            return;
        };
        if let Some(found) = jws.claims.freshness(&claims, self.now) {
            self.witness.saw(Step::Time(found));
            rest.is_as_fresh_as(found);
        }
        for (name, held) in jws.claims.held(&claims) {
            self.witness.saw(Step::Claim { name, held });
            rest.holds &= held;
        }
        if let Some(hash) = &jws.body_hash {
            let held = bool::from(is_hash_of_body(hash, &claims, scope));
            self.witness.saw(Step::BodyDigest(held));
            rest.holds &= held;
        }
    }

    /// What is looked at only where a secret fitted, since it may be in the body.
    fn look_at_the_rest(&mut self, lock: &'g Lock, scope: &Scope<'g>, rest: &mut Rest) {
        if let Kind::Jws(jws) = &lock.block.kind {
            self.look_at_claims(jws, scope, rest);
        }
        if let Some(timestamp) = &lock.block.timestamp {
            let found = timestamp.judge(scope, self.now);
            self.witness.saw(Step::Time(found));
            rest.is_as_fresh_as(found);
        }
        if let Some(digest) = &lock.block.body_digest {
            let held = bool::from(is_digest_of_body(digest, scope));
            self.witness.saw(Step::BodyDigest(held));
            rest.holds &= held;
        }
        for (index, condition) in lock.conditions.iter().enumerate() {
            let held = match condition {
                Condition::Plain(check) => checks::holds(check, scope),
                Condition::Lock(inner) => {
                    let (_, choices) = self.compare_secrets(inner, scope);
                    bool::from(any(choices))
                }
            };
            self.witness.saw(Step::Check { index, held });
            rest.holds &= held;
        }
    }
}

/// Whether one of them holds; all are looked at.
fn any(choices: impl IntoIterator<Item = Choice>) -> Choice {
    choices.into_iter().fold(Choice::from(0), |any, one| any | one)
}

/// Compares what the content's signature would be with every candidate. Both have the fixed length of the function.
fn fits(kind: &Kind, signed: &Signed, key: &Key, content: &Content<'_>, candidates: &[Vec<u8>]) -> Choice {
    let secret = key.bytes.expose();
    let prehashed = signed.prehash.then(|| Hash::Sha256.digest(content.with(secret)));
    let equal_any = |expected: Tag| any(candidates.iter().map(|candidate| expected.ct_eq(candidate.as_slice())));
    match (kind, &key.material, &prehashed) {
        (Kind::Hmac(..), Material::Mac(mac), None) => equal_any(mac.mac(content.with(secret))),
        (Kind::Hmac(..), Material::Mac(mac), Some(digest)) => equal_any(mac.mac([&**digest])),
        (Kind::Hash(hash, _), Material::InContent, None) => equal_any(hash.digest(content.with(secret))),
        (Kind::Hash(hash, _), Material::InContent, Some(digest)) => equal_any(hash.digest([&**digest])),
        (Kind::PublicKey(..), Material::Public(public), _) => {
            let message = content.whole(secret);
            let message = prehashed.as_deref().unwrap_or(&message);
            let verifies = |candidate: &Vec<u8>| Choice::from(u8::from(public.verifies(message, candidate)));
            any(candidates.iter().map(verifies))
        }
        _ => Choice::from(0),
    }
}

/// Whether the key signed the token.
fn has_signed(key: &Key, token: &Token) -> Choice {
    let verified = |verified: bool| Choice::from(u8::from(verified));
    match &key.material {
        Material::Mac(mac) => mac.mac([token.signed()]).ct_eq(token.signature()),
        Material::Fetched(keys) => verified(keys.verify(token.kid(), token.signed(), token.signature())),
        Material::Tokens(keys) => verified(keys.verify(token.kid(), token.signed(), token.signature())),
        _ => Choice::from(0),
    }
}

fn is_hash_of_body(hash: &BodyHash, claims: &Members<'_>, scope: &Scope<'_>) -> Choice {
    let expected = hash.hash.digest([scope.request().body]);
    let stated = claims.text(&hash.claim).and_then(|text| hash.encoding.decode(text.as_bytes()));
    stated.map_or(Choice::from(0), |stated| expected.ct_eq(stated.as_slice()))
}

fn is_digest_of_body(digest: &BodyDigest, scope: &Scope<'_>) -> Choice {
    let found = if digest.from.is_repeated(scope) { None } else { digest.from.find(scope) };
    let expected = digest.hash.digest([scope.request().body]);
    let stated = found.and_then(|text| digest.encoding.decode(&text));
    stated.map_or(Choice::from(0), |stated| expected.ct_eq(stated.as_slice()))
}

impl Lock {
    /// How many answers a comparison gives: one a secret, and one where the kind has none.
    fn slots(&self) -> usize {
        if matches!(self.block.kind, Kind::None) { 1 } else { self.keys.len() }
    }

    /// Keys that are to be fetched are not there yet.
    fn lacks_keys(&self) -> bool {
        self.keys.iter().any(|key| matches!(&key.material, Material::Fetched(keys) if !keys.are_known()))
    }

    fn as_step(&self, index: usize) -> Step<'_> {
        let Block { name, kind, .. } = &self.block;
        Step::Block { index, name: name.as_deref(), kind: kind.verified(), secrets: self.keys.len() }
    }
}

impl Candidates {
    fn as_step(&self) -> Step<'static> {
        let Self { present, passed_over, refused, list } = self;
        Step::Credential { present: *present, candidates: list.len(), passed_over: *passed_over, refused: *refused }
    }
}
