//! The expressions as data. Their short text form is read by `parse`, which also writes it.

use http::HeaderName;
use thiserror::Error;

/// Where a value is. Each form is described in README's reference under the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// `header:Name`
    Header(HeaderName),
    /// `query:name`
    Query(String),
    /// `form:name`
    Form(String),
    /// `json:/a/0/b`; in the whole body.
    Json(Pointer),
    /// `xml:/a/b`, `xml:/a/@b`; in the whole body, names without their prefixes.
    Xml(Pointer),
    /// `item:/a`, `item:^2/id`; in the element of a batch, or the whole body where there is none.
    Item {
        /// How many levels to climb from the element first; an array counts as one.
        climb: u8,
        /// From there on.
        pointer: Pointer,
    },
    /// `item:#`: the element's position, from 0.
    ItemIndex,
    /// `kv:t`: what follows `t=` in the piece of the signature value that begins with it.
    KeyValue(String),
    /// `"=text"`
    Text(String),
    /// `hash`: the content hash, said on purpose.
    Hash,
    /// `{ first: [e, …] }`: the first that is present and not empty.
    First(Vec<Expr>),
    /// `{ from: e, starts_with: text }`: absent unless it begins so.
    StartsWith(Box<Expr>, String),
    /// `{ member: json:/, except: [a] }`: the name of the first member of that object other than these.
    Member {
        /// The object.
        of: Pointer,
        /// Names that do not count.
        except: Vec<String>,
    },
    /// `[e, e …]`: several values that make one.
    Composite(Vec<Composite>),
}

/// A part of a composite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composite {
    /// Where the part is.
    pub expr: Expr,
    /// Ended in `?`: may be missing, and is empty then.
    pub optional: bool,
}

/// A JSON pointer (RFC 6901), unescaped into its tokens; without tokens it is the whole document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pointer(pub Vec<String>);

impl Pointer {
    /// The most steps that one can have. Below the depth at which the JSON reader gives up (128).
    pub const TOKENS_MAX: usize = 64;
}

/// Where the array is whose elements are the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batch {
    /// `json:/entry/*/changes`; `*` stands for every element or member.
    Json(Pointer),
    /// `xml:/a/b`: every element at that path.
    Xml(Pointer),
    /// `form:name`: a form field that holds a JSON array; the slices are of the decoded field.
    Form(String),
    /// `lines`: one JSON text a line.
    Lines,
    /// `{ first: […] }`: the first that is an array with elements; where arrays beside each other are, all of them.
    First(Vec<Batch>),
}

/// Why a text is not an expression; says what would be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExprError {
    /// No known form.
    #[error(
        "expected header:Name, query:name, form:name, json:/pointer, xml:/path, item:/pointer, kv:name, =text or hash"
    )]
    Form,
    /// Not a header's name.
    #[error("expected the name of an HTTP header after `header:`")]
    Header,
    /// Not a pointer, or one of more than [`Pointer::TOKENS_MAX`] tokens.
    #[error("expected a JSON pointer such as /data/0/id, of at most 64 steps, after the colon (~0 for ~, ~1 for /)")]
    Pointer,
    /// `item:^n` without a number from 1 to 255.
    #[error("expected item:#, item:/pointer, or item:^2/pointer with the number of levels to climb (1 to 255)")]
    Climb,
    /// `xml:` without a path of names, or with an attribute anywhere but at its end.
    #[error(
        "expected a path of names such as /Envelope/Body/id after `xml:`, of at most 64 steps; its last one may be an @attribute"
    )]
    Xml,
    /// `query:`, `form:` or `kv:` with nothing behind it.
    #[error("expected a name after the colon")]
    Name,
    /// Not a batch.
    #[error("expected json:/pointer, xml:/path, form:name or lines")]
    Batch,
}
