//! How keys, words and quantities are declared: each once, with its type, its default and its meaning.

/// Declares a block of keys. `key ("word"): Type = "default"`: the word is needed only where it is none of Rust's.
macro_rules! block {
    ($(#[doc = $about:literal])+ $name:ident {
        $($(#[doc = $doc:literal])+ $key:ident $(($word:literal))? : $type:ty $(= $default:literal)?,)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(crate) struct $name {
            at: $crate::config::problem::At,
            $($(#[doc = $doc])+ pub(crate) $key: $crate::config::decode::Field<$type>,)+
        }

        impl $crate::config::decode::Decode for $name {
            fn decode(
                node: &$crate::config::tree::Node,
                at: &$crate::config::problem::At,
                problems: &mut $crate::config::problem::Problems,
            ) -> Option<Self> {
                const KEYS: &[&str] = &[$(block!(@word $key $($word)?)),+];
                let keys = $crate::config::decode::Keys::of(node, at, KEYS, problems)?;
                $(let $key = keys.take::<$type>(block!(@word $key $($word)?), block!(@default $($default)?), problems);)+
                Some(Self { at: at.clone(), $($key: $key?),+ })
            }

            fn schema(definitions: &mut $crate::config::schema::Definitions) -> serde_json::Value {
                definitions.block(stringify!($name), concat!($($about),+), |block| {
                    $(block.key(
                        block!(@word $key $($word)?),
                        concat!($($doc),+),
                        block!(@default $($default)?),
                        <$type as $crate::config::decode::Decode>::schema,
                    );)+
                })
            }
        }

        impl $crate::config::decode::Block for $name {
            fn at(&self) -> &$crate::config::problem::At {
                &self.at
            }

            fn given(&self) -> Vec<(&'static str, &$crate::config::problem::At)> {
                let keys = [$((self.$key.given, block!(@word $key $($word)?), &self.$key.at)),+];
                keys.into_iter().filter(|(given, ..)| *given).map(|(_, key, at)| (key, at)).collect()
            }
        }
    };
    (@word $key:ident) => { stringify!($key) };
    (@word $key:ident $word:literal) => { $word };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
}

/// Declares words of which one is taken.
macro_rules! choice {
    ($type:ty, $kind:literal { $($word:literal => $value:expr),+ $(,)? }) => {
        impl $crate::config::decode::Decode for $type {
            fn decode(
                node: &$crate::config::tree::Node,
                at: &$crate::config::problem::At,
                problems: &mut $crate::config::problem::Problems,
            ) -> Option<Self> {
                match node.text() {
                    $(Some($word) => Some($value),)+
                    Some(other) if !matches!(&node.value, $crate::config::tree::Value::Scalar(scalar) if scalar.hidden || scalar.raw != scalar.text) => {
                        problems.unknown(at, $kind, other, &[$($word),+]);
                        None
                    }
                    _ => {
                        problems.error(at, node.shown(), concat!("one of", $(" `", $word, "`"),+));
                        None
                    }
                }
            }

            fn schema(_: &mut $crate::config::schema::Definitions) -> serde_json::Value {
                $crate::config::schema::words(&[$($word),+])
            }
        }
    };
}

/// Declares a type that is read from one text: how, what is expected there, and the pattern of its schema.
macro_rules! scalar {
    ($type:ty, $parse:expr, $expected:literal, $schema:expr) => {
        impl $crate::config::decode::Decode for $type {
            fn decode(
                node: &$crate::config::tree::Node,
                at: &$crate::config::problem::At,
                problems: &mut $crate::config::problem::Problems,
            ) -> Option<Self> {
                let parse: fn(&str) -> Option<Self> = $parse;
                let value = node.text().and_then(parse);
                if value.is_none() {
                    problems.error(at, node.shown(), $expected);
                }
                value
            }

            fn schema(_: &mut $crate::config::schema::Definitions) -> serde_json::Value {
                $schema
            }
        }
    };
}

pub(crate) use {block, choice, scalar};
