//! Further conditions of a block that compare no secret: what a value is, who is connected, which client certificate a
//! proxy saw.

use data_encoding::HEXLOWER;
use http::HeaderName;

use super::scheme::Check;
use crate::locate::{Request, Scope};

/// Whether it holds. A [`Check::Block`] holds a secret and is for the gate; here it never does.
pub(super) fn holds(check: &Check, scope: &Scope<'_>) -> bool {
    match check {
        Check::Equals(from, text) => {
            !from.is_repeated(scope) && from.find(scope).is_some_and(|value| *value == *text.as_bytes())
        }
        Check::Absent(from) => from.find(scope).is_none(),
        Check::Ip(networks) => {
            let peer = scope.request().peer;
            peer.is_some_and(|peer| networks.iter().any(|network| network.contains(&peer.to_canonical())))
        }
        Check::ClientCertificate { header, subject, sha256 } => {
            Certificate::of(scope.request(), header).is_some_and(|seen| seen.is(subject.as_deref(), sha256.as_deref()))
        }
        Check::Block(_) => false,
    }
}

/// Envoy's header for it.
const ENVOYS: &str = "x-forwarded-client-cert";

/// What a proxy says about the certificate of the client. The header is believed: the door takes it away where no trusted
/// proxy says it, and the proxy has to overwrite what its clients send.
///
/// Two forms are read: of the header [`ENVOYS`] one element of Envoy's (`Hash=…;Subject="…"`), and of any other a bare
/// value, which is then the fingerprint or the subject, whichever is asked for alone (nginx's `$ssl_client_fingerprint` and
/// `$ssl_client_s_dn`). The name decides, never the value: a subject can be chosen so that it looks like Envoy's form.
struct Certificate<'a> {
    bare: Option<&'a str>,
    subject: Option<String>,
    sha256: Option<String>,
}

impl<'a> Certificate<'a> {
    fn of(request: &Request<'a>, header: &HeaderName) -> Option<Self> {
        let mut lines = request.headers.get_all(header).iter();
        let value = lines.next()?.to_str().ok()?.trim();
        if lines.next().is_some() || value.is_empty() {
            return None;
        }
        if header.as_str() != ENVOYS {
            return Some(Self { bare: Some(value), subject: None, sha256: None });
        }
        let mut seen = Self { bare: None, subject: None, sha256: None };
        for (key, value) in envoy_pairs(value)? {
            match key.as_str() {
                "Subject" => seen.subject = Some(value),
                "Hash" => seen.sha256 = Some(value),
                _ => {}
            }
        }
        Some(seen)
    }

    /// Whether it is that subject and that fingerprint, as far as they are asked for; nothing asked for is no.
    fn is(&self, subject: Option<&str>, sha256: Option<&str>) -> bool {
        match (subject, sha256, self.bare) {
            // A bare value is the one or the other, and cannot prove both.
            (None, None, _) | (Some(_), Some(_), Some(_)) => false,
            (Some(subject), None, Some(bare)) => bare == subject,
            (None, Some(sha256), Some(bare)) => same_fingerprint(bare, sha256),
            (subject, sha256, None) => {
                subject.is_none_or(|wanted| self.subject.as_deref() == Some(wanted))
                    && sha256
                        .is_none_or(|wanted| self.sha256.as_deref().is_some_and(|seen| same_fingerprint(seen, wanted)))
            }
        }
    }
}

/// Hex in any case, with or without colons; 32 bytes.
fn same_fingerprint(one: &str, other: &str) -> bool {
    let bytes = |text: &str| {
        let hex: String = text.chars().filter(|c| *c != ':').collect();
        HEXLOWER.decode(hex.to_ascii_lowercase().as_bytes()).ok().filter(|bytes| bytes.len() == 32)
    };
    bytes(one).is_some_and(|one| bytes(other) == Some(one))
}

/// `key=value;key="quoted \" value"`. A comma outside of quotes begins the certificate of another hop: which of them
/// counts nobody says, so there is none.
fn envoy_pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let (mut key, mut value, mut in_value, mut quoted) = (String::new(), String::new(), false, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => value.push(chars.next()?),
            '"' if in_value => quoted = !quoted,
            ',' if !quoted => return None,
            ';' if !quoted => {
                pairs.push((std::mem::take(&mut key), std::mem::take(&mut value)));
                in_value = false;
            }
            '=' if !in_value => in_value = true,
            _ if in_value => value.push(c),
            _ => key.push(c),
        }
    }
    pairs.push((key, value));
    (!quoted).then_some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::Expr;
    use http::{HeaderMap, HeaderValue};

    const BARE: &str = "x-client-cert";
    const PRINT: &str = "468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688";

    fn request<'a>(headers: &'a HeaderMap, peer: Option<&str>) -> Request<'a> {
        let peer = peer.map(|peer| peer.parse().expect("an address"));
        Request { method: "POST", target: "/?a=1&b=1&b=1", headers, body: b"", path_secret: None, peer }
    }

    fn certificate(header: &'static str, subject: Option<&str>, sha256: Option<&str>, lines: &[&str]) -> bool {
        let header = HeaderName::from_static(header);
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.clone(), HeaderValue::from_str(line).expect("a value"));
        }
        let check =
            Check::ClientCertificate { header, subject: subject.map(str::to_owned), sha256: sha256.map(str::to_owned) };
        holds(&check, &Scope::of(request(&headers, None)))
    }

    #[test]
    fn a_value_is_compared_or_must_be_absent() {
        let headers = HeaderMap::new();
        let of = |text: &str| Expr::parse(text).expect(text);
        let holds = |check: Check| holds(&check, &Scope::of(request(&headers, None)));
        assert!(holds(Check::Equals(of("query:a"), "1".to_owned())));
        assert!(!holds(Check::Equals(of("query:a"), "2".to_owned())));
        assert!(!holds(Check::Equals(of("query:b"), "1".to_owned())));
        assert!(!holds(Check::Equals(of("query:c"), String::new())));
        assert!(holds(Check::Absent(of("query:c"))));
        assert!(!holds(Check::Absent(of("query:a"))));
    }

    #[test]
    fn an_address_is_inside_one_of_the_networks() {
        let headers = HeaderMap::new();
        let check =
            Check::Ip(vec!["10.0.0.0/8".parse().expect("a network"), "2001:db8::/32".parse().expect("a network")]);
        for (peer, expected) in [
            (Some("10.1.2.3"), true),
            (Some("::ffff:10.1.2.3"), true),
            (Some("2001:db8::1"), true),
            (Some("11.0.0.1"), false),
            (None, false),
        ] {
            assert_eq!(holds(&check, &Scope::of(request(&headers, peer))), expected, "{peer:?}");
        }
    }

    #[test]
    fn a_certificate_is_read_in_both_forms() {
        let envoy = format!(r#"By=spiffe://a;Hash={PRINT};Subject="CN=a,O=\"b\;c\"";URI=x"#);
        assert!(certificate(ENVOYS, None, Some(PRINT), &[&envoy]));
        assert!(certificate(ENVOYS, Some(r#"CN=a,O="b;c""#), Some(&PRINT.to_uppercase()), &[&envoy]));
        assert!(certificate(BARE, Some("CN=a,O=b"), None, &["CN=a,O=b"]));
        let colons = PRINT.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair)).collect::<Vec<_>>().join(":");
        assert!(certificate(BARE, None, Some(PRINT), &[&colons]));
    }

    #[test]
    fn a_subject_that_looks_like_the_other_form_is_a_subject() {
        let chosen = r"CN=a\;Subject=CN=sender";
        assert!(certificate(BARE, Some(chosen), None, &[chosen]));
        assert!(!certificate(BARE, Some("CN=sender"), None, &[chosen]));
    }

    #[test]
    fn a_certificate_that_is_not_surely_the_one_is_none() {
        let envoy = format!("Hash={PRINT};Subject=\"CN=a\"");
        let other = PRINT.replace('4', "5");
        let two_hops = format!("Hash={other},Hash={PRINT}");
        for (subject, sha256, lines) in [
            (None, None, vec![envoy.as_str()]),
            (None, Some(PRINT), vec![]),
            (None, Some(PRINT), vec![""]),
            (None, Some(PRINT), vec![&envoy, &envoy]),
            (None, Some(other.as_str()), vec![&envoy]),
            (Some("CN=b"), Some(PRINT), vec![&envoy]),
            (Some("CN=a"), Some(PRINT), vec![PRINT]),
            (None, Some(PRINT), vec!["Subject=\"CN=a\""]),
            (None, Some(""), vec!["Subject=\"CN=a\";Hash="]),
            (None, Some(PRINT), vec![&two_hops]),
        ] {
            for header in [ENVOYS, BARE] {
                assert!(!certificate(header, subject, sha256, &lines), "{header}: {subject:?} {sha256:?} {lines:?}");
            }
        }
    }
}
