//! Further conditions of a block.

use crate::config::decode::Block as _;
use crate::config::file::auth::Check;
use crate::config::problem::Problems;
use crate::config::resolve::presented::{at_pointer, named, truly};
use crate::config::resolve::secrets::{Files, keys};
use crate::signature::scheme::{self, Kind};

/// Resolves one; what is wrong with it is reported.
pub(super) fn resolve(check: &Check, files: &mut Files, problems: &mut Problems) -> Option<scheme::Check> {
    const SUBJECTS: [&str; 11] =
        ["from", "absent", "ip", "client_certificate", "header", "query", "form", "json", "item", "path", "basic"];
    let subjects: Vec<&str> =
        check.given().into_iter().map(|(key, _)| key).filter(|key| SUBJECTS.contains(key)).collect();
    match subjects.as_slice() {
        ["from"] if check.equals.is_some() => {
            Some(scheme::Check::Equals((*check.from).clone()?, (*check.equals).clone()?))
        }
        ["absent"] => Some(scheme::Check::Absent((*check.absent).clone()?)),
        ["ip"] => Some(scheme::Check::Ip(check.ip.0.clone())),
        ["client_certificate"] => {
            let certificate = check.client_certificate.as_ref()?;
            if certificate.subject.is_none() && certificate.sha256.is_none() {
                problems.error(
                    certificate.at(),
                    "neither `subject` nor `sha256`",
                    "one of them; else any certificate would do",
                );
            }
            Some(scheme::Check::ClientCertificate {
                header: (*certificate.header).clone(),
                subject: certificate.subject.as_ref().map(|text| text.0.clone()),
                sha256: certificate.sha256.as_ref().map(|text| text.0.to_ascii_lowercase()),
            })
        }
        ["from" | "ip" | "absent" | "client_certificate", ..] | [] | [_, _, ..] => {
            let expected = "one of { from, equals }, { absent }, { ip }, { client_certificate }, or a block of a kind header to basic";
            problems.error(check.at(), "a check that says not what it checks", expected);
            None
        }
        [kind] => credential(check, kind, files, problems),
    }
}

fn credential(check: &Check, kind: &str, files: &mut Files, problems: &mut Problems) -> Option<scheme::Check> {
    let keys = keys!(check);
    let secrets = keys.read(files, problems);
    if !keys.given() {
        problems.error(
            check.at(),
            "a check without a secret",
            "`secret`, `secrets`, `secret_file` or `secret_files` of its own",
        );
    }
    let kind = match kind {
        "header" => Kind::Header { name: (*check.header).clone()?, prefix: check.prefix.0.clone() },
        "query" => Kind::Query(named(&check.query, problems)?),
        "form" => Kind::Form(named(&check.form, problems)?),
        "json" => Kind::Json(at_pointer("json", &check.json, problems)?),
        "item" => Kind::Json(at_pointer("item", &check.item, problems)?),
        "path" => truly(&check.path, Kind::Path, problems)?,
        _ => truly(&check.basic, Kind::Basic, problems)?,
    };
    let block =
        scheme::Block { secrets: secrets.into_iter().map(|found| found.secret).collect(), ..scheme::Block::new(kind) };
    Some(scheme::Check::Block(Box::new(block)))
}
