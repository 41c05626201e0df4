//! `${VAR}` and `${VAR:-default}` inside a scalar value.
//!
//! Expansion happens after parsing, so that what a variable holds is text and never YAML. As in the shell, `:-` counts
//! an empty variable as unset. `$${` stands for `${`; any other `$` is itself.

use crate::config::environment::Environment;

/// Why a text cannot be expanded; the fields are for a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unexpanded {
    pub(crate) found: String,
    pub(crate) expected: String,
}

/// The text with every variable replaced.
pub(crate) fn expand(text: &str, environment: &dyn Environment) -> Result<String, Unexpanded> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        let Some((inside, after)) = after.split_once('}') else {
            return Err(malformed("`${` without `}`"));
        };
        expanded.push_str(before);
        expanded.push_str(&variable(inside, environment)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn variable(inside: &str, environment: &dyn Environment) -> Result<String, Unexpanded> {
    let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
    let starts = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    if !name.as_bytes().first().is_some_and(starts) || !name.bytes().all(|byte| starts(&byte) || byte.is_ascii_digit())
    {
        // What stands behind `:-` may be a secret.
        return Err(malformed(&format!("`${{{name}}}`, which is no variable's name")));
    }
    match (environment.variable(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok(default.to_owned()),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Unexpanded {
            found: format!("`${{{name}}}`, and {name} is not set"),
            expected: format!("{name} in the environment, or a default: `${{{name}:-…}}`"),
        }),
    }
}

fn malformed(found: &str) -> Unexpanded {
    let expected = "`${VAR}`, `${VAR:-default}`, or `$${` for the two characters themselves";
    Unexpanded { found: found.to_owned(), expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "SET" => Some("value".into()),
            "EMPTY" => Some(String::new()),
            "YAML" => Some("a: [b, ${SET}]".into()),
            _ => None,
        }
    }

    fn expanded(text: &str) -> String {
        expand(text, &environment).expect(text)
    }

    #[test]
    fn variables_are_replaced_wherever_they_stand() {
        for (text, right) in [
            ("${SET}", "value"),
            ("a${SET}b${SET}", "avaluebvalue"),
            ("${UNSET:-}", ""),
            ("${UNSET:-a b}", "a b"),
            ("${EMPTY:-default}", "default"),
            ("${EMPTY}", ""),
            ("${SET:-default}", "value"),
            ("$SET $ $$ }", "$SET $ $$ }"),
            ("$${SET}", "${SET}"),
        ] {
            assert_eq!(expanded(text), right, "{text}");
        }
    }

    #[test]
    fn what_a_variable_holds_is_not_expanded_again() {
        assert_eq!(expanded("${YAML}"), "a: [b, ${SET}]");
    }

    #[test]
    fn an_unset_variable_is_named() {
        let error = expand("a ${UNSET} b", &environment).expect_err("unset");
        assert!(error.found.contains("UNSET is not set"), "{error:?}");
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for text in ["${", "${SET", "${}", "${1A}", "${A B}", "${A-b}", "${:-x}"] {
            assert!(expand(text, &environment).is_err(), "{text}");
        }
    }
}
