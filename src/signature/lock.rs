//! A block with its keys prepared.

use super::candidates::SIGNATURE_BYTES_MAX;
use super::demands::Demands;
use super::faults::{GateError, SECRET_BYTES_MIN, SecretAt, WeakSecret, problems};
use super::fetched::FetchedKeys;
use super::jwk::{self, TokenKey};
use super::key::KeyError;
use super::mac::{MacKey, Tag};
use super::public_key::PublicKey;
use super::scheme::{Block, Check, Hash, Kind};
use crate::secret::Secret;

/// A block that can be tried.
#[derive(Debug)]
pub(super) struct Lock {
    /// Its own secrets are in `keys` by now.
    pub(super) block: Block,
    pub(super) keys: Vec<Key>,
    pub(super) conditions: Vec<Condition>,
    /// Whether every element of a batch has its own credential.
    pub(super) of_items: bool,
}

/// One of `checks`.
#[derive(Debug)]
pub(super) enum Condition {
    Plain(Check),
    Lock(Box<Lock>),
}

/// A secret as one block uses it.
#[derive(Debug)]
pub(super) struct Key {
    /// Among all secrets of the source: its own come first, then those of its blocks in order, then the learned ones.
    /// None: it is no secret of the configuration.
    pub(super) index: Option<usize>,
    /// What `secret` in the content stands for.
    pub(super) bytes: Secret,
    pub(super) material: Material,
}

#[derive(Debug)]
pub(super) enum Material {
    /// The secret as a request presents it, under the gate's blinding key: of one length whatever the secret's is.
    Blinded(Tag),
    /// For `hmac`.
    Mac(Box<MacKey>),
    /// For `hash`: the content has it.
    InContent,
    /// For `public_key`.
    Public(PublicKey),
    /// For `jws` with a public key, or a set of them.
    Tokens(Vec<TokenKey>),
    /// The same, and they come while the gateway runs.
    Fetched(FetchedKeys),
}

/// The blocks with their keys, and the secrets that should be longer.
pub(super) fn prepare(demands: &Demands, blind: &MacKey) -> Result<(Vec<Lock>, Vec<WeakSecret>), Vec<GateError>> {
    let mut forge = Forge { blind, public: public_texts(demands), errors: Vec::new(), weak: Vec::new() };
    let mut locks = Vec::new();
    let mut numbered = demands.secrets.len();
    let common = demands.shared();
    let mut shared: Vec<Usage> = (0..common.len()).map(|index| Usage::of(None, index)).collect();
    for (index, block) in demands.blocks.iter().enumerate() {
        let found = problems(block, demands);
        forge.errors.extend(found.into_iter().map(|problem| GateError::Block { block: index, problem }));
        let lock = if block.secrets.is_empty() {
            forge.lock(index, block, &common, &mut shared)
        } else {
            forge.lock_with_own(index, block, numbered)
        };
        numbered += block.secrets.len();
        locks.push(lock);
    }
    for usage in shared {
        forge.judge(usage);
    }
    if forge.errors.is_empty() { Ok((locks, forge.weak)) } else { Err(forge.errors) }
}

/// Makes keys of secrets.
struct Forge<'a> {
    blind: &'a MacKey,
    /// Texts that some block takes as a public key. Whoever knows one must not be able to sign with it, so it is no
    /// secret for any other block.
    public: Vec<&'a Secret>,
    errors: Vec<GateError>,
    weak: Vec<WeakSecret>,
}

/// What the blocks could make of a secret.
struct Usage {
    at: SecretAt,
    used: bool,
    /// Bytes of the shortest key, where length is strength.
    shortest: Option<usize>,
    why_not: Option<KeyError>,
}

impl Usage {
    fn of(block: Option<usize>, index: usize) -> Self {
        Self { at: SecretAt { block, index }, used: false, shortest: None, why_not: None }
    }

    fn note(&mut self, made: Result<Option<usize>, KeyError>) {
        match made {
            Ok(bytes) => {
                self.used = true;
                self.shortest = self.shortest.into_iter().chain(bytes).min();
            }
            // That it is for another block says less than what is wrong with it here.
            Err(KeyError::OtherStart(_) | KeyError::Public) if self.why_not.is_some() => {}
            Err(why) => self.why_not = Some(why),
        }
    }
}

impl Forge<'_> {
    /// `first` is the number of the block's first secret.
    fn lock_with_own(&mut self, at: usize, block: &Block, first: usize) -> Lock {
        let mut usages: Vec<Usage> = (0..block.secrets.len()).map(|index| Usage::of(Some(at), index)).collect();
        let numbered: Vec<_> = (first..).zip(&block.secrets).collect();
        let lock = self.lock(at, block, &numbered, &mut usages);
        for usage in usages {
            self.judge(usage);
        }
        lock
    }

    fn lock(&mut self, at: usize, block: &Block, secrets: &[(usize, &Secret)], usages: &mut [Usage]) -> Lock {
        let mut keys = Vec::new();
        for (&(number, secret), usage) in secrets.iter().zip(usages) {
            match self.key(block, number, secret) {
                Some(Ok((key, bytes))) => {
                    usage.note(Ok(bytes));
                    keys.push(key);
                }
                Some(Err(why)) => usage.note(Err(why)),
                None => {}
            }
        }
        if let Kind::Jws(jws) = &block.kind {
            let fetched = jws.fetched.iter().cloned().map(Material::Fetched);
            keys.extend(fetched.map(|material| Key { index: None, bytes: Secret::new(""), material }));
        }
        let conditions = block.checks.iter().map(|check| match check {
            Check::Block(inner) => Condition::Lock(Box::new(self.lock_with_own(at, inner, 0))),
            plain => Condition::Plain(plain.clone()),
        });
        let conditions = conditions.collect();
        let of_items = block.is_of_items();
        let block = Block { secrets: Vec::new(), checks: Vec::new(), ..block.clone() };
        Lock { block, keys, conditions, of_items }
    }

    /// The key, and its length in bytes where that is its strength; nothing where the kind needs none.
    fn key(&self, block: &Block, index: usize, secret: &Secret) -> Option<Result<(Key, Option<usize>), KeyError>> {
        let made = match &block.kind {
            Kind::None => return None,
            kind if kind.takes_public_keys() => block
                .secret_format
                .material(secret)
                .and_then(|bytes| Ok((public_material(kind, bytes.expose())?, bytes, None))),
            _ if self.public.contains(&secret) => Err(KeyError::Public),
            kind => block.secret_format.material(secret).and_then(|material| {
                let bytes = block.secret_format.key(secret)?;
                let strength = Some(material.expose().len());
                Ok((self.material(kind, &bytes)?, bytes, strength))
            }),
        };
        Some(made.map(|(material, bytes, strength)| (Key { index: Some(index), bytes, material }, strength)))
    }

    fn material(&self, kind: &Kind, bytes: &Secret) -> Result<Material, KeyError> {
        match kind {
            Kind::Hmac(hash, _) => Ok(Material::Mac(Box::new(MacKey::new(*hash, bytes.expose())))),
            Kind::Jws(_) => Ok(Material::Mac(Box::new(MacKey::new(Hash::Sha256, bytes.expose())))),
            Kind::Hash(..) => Ok(Material::InContent),
            _ if bytes.expose().len() > SIGNATURE_BYTES_MAX => Err(KeyError::TooLong),
            _ => Ok(Material::Blinded(self.blind.mac([bytes.expose()]))),
        }
    }

    fn judge(&mut self, usage: Usage) {
        let Usage { at, used, shortest, why_not } = usage;
        if !used {
            self.errors.push(GateError::Secret { at, why: why_not.unwrap_or(KeyError::Unclaimed) });
        } else if let Some(bytes) = shortest.filter(|bytes| *bytes < SECRET_BYTES_MIN) {
            self.weak.push(WeakSecret { at, bytes });
        }
    }
}

pub(super) fn public_texts(demands: &Demands) -> Vec<&Secret> {
    let mut texts = Vec::new();
    for block in &demands.blocks {
        if !block.kind.takes_public_keys() {
            continue;
        }
        let takes = |secret: &&Secret| {
            let bytes = block.secret_format.material(secret);
            bytes.is_ok_and(|bytes| public_material(&block.kind, bytes.expose()).is_ok())
        };
        if block.secrets.is_empty() {
            texts.extend(demands.secrets.iter().chain(&demands.learned).filter(takes));
        } else {
            texts.extend(block.secrets.iter().filter(takes));
        }
    }
    texts
}

/// What a kind makes of a public key.
fn public_material(kind: &Kind, bytes: &[u8]) -> Result<Material, KeyError> {
    match kind {
        Kind::PublicKey(algorithm, _) => PublicKey::read(*algorithm, bytes).map(Material::Public),
        Kind::Jws(jws) => jwk::read(jws.algorithm, bytes).map(Material::Tokens),
        _ => Err(KeyError::NotPublicKey),
    }
}

impl Kind {
    /// Whether its "secrets" are keys that everybody may know.
    pub const fn takes_public_keys(&self) -> bool {
        match self {
            Self::PublicKey(..) => true,
            Self::Jws(jws) => jws.algorithm.public().is_some(),
            _ => false,
        }
    }
}
