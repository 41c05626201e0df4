//! A block with its keys prepared, and what can be wrong with the two.

use std::fmt;

use thiserror::Error;

use super::candidates::SIGNATURE_BYTES_MAX;
use super::gate::Demands;
use super::key::KeyError;
use super::mac::{MacKey, Tag};
use super::public_key::PublicKey;
use super::scheme::{Block, Check, Kind, Signed, What};
use crate::locate::Expr;
use crate::secret::Secret;

/// A secret of fewer bytes can be guessed.
pub const SECRET_BYTES_MIN: usize = 16;

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
    /// In the source's list, or the block's own.
    pub(super) index: usize,
    /// What `secret` in the content stands for.
    pub(super) bytes: Secret,
    pub(super) material: Material,
}

#[derive(Debug)]
pub(super) enum Material {
    /// The secret as a request presents it, under the gate's blinding key: of one length whatever the secret's is.
    Blinded(Tag),
    /// For `hmac`.
    Mac(MacKey),
    /// For `hash`: the content has it.
    InContent,
    /// For `public_key`.
    Public(PublicKey),
}

/// Which secret: by its index in the source's list, or in a block's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretAt {
    /// The block that it is of, by its place in `any_of`; none: the source's.
    pub block: Option<usize>,
    /// Its place in that list, from 0.
    pub index: usize,
}

impl fmt::Display for SecretAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.block {
            Some(block) => write!(f, "secret {} of block {block}", self.index),
            None => write!(f, "secret {}", self.index),
        }
    }
}

/// A secret that works and should be longer: fewer than [`SECRET_BYTES_MIN`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{at} has {bytes} bytes; one of 16 or more cannot be guessed")]
pub struct WeakSecret {
    /// Which.
    pub at: SecretAt,
    /// Its length once decoded.
    pub bytes: usize,
}

/// Why a gate cannot be built; says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GateError {
    /// No block can use it.
    #[error("{at} cannot be used: {why}")]
    Secret {
        /// Which.
        at: SecretAt,
        /// What is wrong with it.
        why: KeyError,
    },
    /// A block that could not prove anything.
    #[error("block {block}: {problem}")]
    Block {
        /// Its place in `any_of`, from 0.
        block: usize,
        /// What is wrong with it.
        problem: BlockProblem,
    },
}

/// What makes a block useless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BlockProblem {
    /// No place to look for a signature.
    #[error("`signature` names no place")]
    NoSignature,
    /// Nothing is signed.
    #[error("`content` has no parts")]
    NoContent,
    /// Anyone can compute a plain digest of what everyone can see.
    #[error("`hash` needs `secret` among the parts of each `content`")]
    HashWithoutSecret,
    /// The URL as the sender knows it is not known.
    #[error("a `url` part needs `public_url`")]
    NoPublicUrl,
    /// `kv:` looks at pieces, and there are none.
    #[error("`kv:` needs `separator`")]
    NoSeparator,
    /// A block of `checks` is to hold a secret of its own.
    #[error("a block among `checks` needs a secret of its own and a kind from `header` to `basic`")]
    CheckWithoutSecret,
}

/// The blocks with their keys, and the secrets that should be longer.
pub(super) fn prepare(demands: &Demands, blind: &MacKey) -> Result<(Vec<Lock>, Vec<WeakSecret>), Vec<GateError>> {
    let mut forge = Forge { blind, public: public_texts(demands), errors: Vec::new(), weak: Vec::new() };
    let mut locks = Vec::new();
    let mut shared: Vec<Usage> = (0..demands.secrets.len()).map(|index| Usage::of(None, index)).collect();
    for (index, block) in demands.blocks.iter().enumerate() {
        let found = problems(block, demands.public_url.is_some());
        forge.errors.extend(found.into_iter().map(|problem| GateError::Block { block: index, problem }));
        let lock = if block.secrets.is_empty() {
            forge.lock(index, block, &demands.secrets, &mut shared)
        } else {
            forge.lock_with_own(index, block)
        };
        locks.push(lock);
    }
    shared.into_iter().for_each(|usage| forge.judge(usage));
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
    fn lock_with_own(&mut self, at: usize, block: &Block) -> Lock {
        let mut usages: Vec<Usage> = (0..block.secrets.len()).map(|index| Usage::of(Some(at), index)).collect();
        let lock = self.lock(at, block, &block.secrets, &mut usages);
        usages.into_iter().for_each(|usage| self.judge(usage));
        lock
    }

    fn lock(&mut self, at: usize, block: &Block, secrets: &[Secret], usages: &mut [Usage]) -> Lock {
        let mut keys = Vec::new();
        for ((index, secret), usage) in secrets.iter().enumerate().zip(usages) {
            match self.key(block, index, secret) {
                Some(Ok((key, bytes))) => {
                    usage.note(Ok(bytes));
                    keys.push(key);
                }
                Some(Err(why)) => usage.note(Err(why)),
                None => {}
            }
        }
        let conditions = block.checks.iter().map(|check| match check {
            Check::Block(inner) => Condition::Lock(Box::new(self.lock_with_own(at, inner))),
            plain => Condition::Plain(plain.clone()),
        });
        let conditions = conditions.collect();
        let block = Block { secrets: Vec::new(), checks: Vec::new(), ..block.clone() };
        Lock { of_items: is_of_items(&block), block, keys, conditions }
    }

    /// The key, and its length in bytes where that is its strength; nothing where the kind needs none.
    fn key(&self, block: &Block, index: usize, secret: &Secret) -> Option<Result<(Key, Option<usize>), KeyError>> {
        let made = match &block.kind {
            Kind::None => return None,
            Kind::PublicKey(algorithm, _) => block.secret_format.material(secret).and_then(|bytes| {
                let key = PublicKey::read(*algorithm, bytes.expose())?;
                Ok((Material::Public(key), bytes, None))
            }),
            _ if self.public.contains(&secret) => Err(KeyError::Public),
            kind => block.secret_format.material(secret).and_then(|material| {
                let bytes = block.secret_format.key(secret)?;
                let strength = Some(material.expose().len());
                Ok((self.material(kind, &bytes)?, bytes, strength))
            }),
        };
        Some(made.map(|(material, bytes, strength)| (Key { index, bytes, material }, strength)))
    }

    fn material(&self, kind: &Kind, bytes: &Secret) -> Result<Material, KeyError> {
        match kind {
            Kind::Hmac(hash, _) => Ok(Material::Mac(MacKey::new(*hash, bytes.expose()))),
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

fn public_texts(demands: &Demands) -> Vec<&Secret> {
    let mut texts = Vec::new();
    for block in &demands.blocks {
        let Kind::PublicKey(algorithm, _) = block.kind else { continue };
        let secrets = if block.secrets.is_empty() { &demands.secrets } else { &block.secrets };
        let takes = |secret: &&Secret| {
            let bytes = block.secret_format.material(secret);
            bytes.is_ok_and(|bytes| PublicKey::read(algorithm, bytes.expose()).is_ok())
        };
        texts.extend(secrets.iter().filter(takes));
    }
    texts
}

fn is_of_items(block: &Block) -> bool {
    match &block.kind {
        Kind::Json(from) => from.is_of_item(),
        kind => kind.signed().is_some_and(|signed| signed.exprs().any(Expr::is_of_item)),
    }
}

impl Signed {
    /// All expressions that say where a signature or a part of the content is.
    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let parts = self.contents.iter().flatten().filter_map(|part| match &part.what {
            What::Expr(expr) => Some(expr),
            _ => None,
        });
        self.signature.iter().chain(parts)
    }
}

fn problems(block: &Block, has_public_url: bool) -> Vec<BlockProblem> {
    let mut found = Vec::new();
    let mut demand = |holds: bool, problem| {
        if !holds {
            found.push(problem);
        }
    };
    if let Some(signed) = block.kind.signed() {
        let parts = || signed.contents.iter().flatten();
        let has_secret = |parts: &Vec<_>| parts.iter().any(|part: &super::scheme::Part| part.what == What::Secret);
        let is_kv = |expr: &Expr| expr.any(&|expr| matches!(expr, Expr::KeyValue(_)));
        let uses_kv = signed.exprs().any(is_kv) || block.timestamp.as_ref().is_some_and(|time| is_kv(&time.from));
        demand(!signed.signature.is_empty(), BlockProblem::NoSignature);
        demand(!signed.contents.is_empty() && !signed.contents.iter().any(Vec::is_empty), BlockProblem::NoContent);
        demand(
            !matches!(block.kind, Kind::Hash(..)) || signed.contents.iter().all(has_secret),
            BlockProblem::HashWithoutSecret,
        );
        demand(has_public_url || !parts().any(|part| part.what.needs_public_url()), BlockProblem::NoPublicUrl);
        demand(signed.separator.is_some() || !uses_kv, BlockProblem::NoSeparator);
    }
    for check in &block.checks {
        if let Check::Block(inner) = check {
            let plain = inner.kind.signed().is_none() && !matches!(inner.kind, Kind::None);
            demand(plain && !inner.secrets.is_empty(), BlockProblem::CheckWithoutSecret);
        }
    }
    found
}
