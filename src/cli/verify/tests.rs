use super::*;

#[test]
fn a_time_is_unix_seconds_or_rfc_3339() {
    assert_eq!(parse_time("1614265330"), Ok(UnixMillis(1_614_265_330_000)));
    assert_eq!(parse_time("1614265330.5"), Ok(UnixMillis(1_614_265_330_500)));
    assert_eq!(parse_time("2021-02-25T15:02:10Z"), Ok(UnixMillis(1_614_265_330_000)));
    for wrong in ["", "yesterday", "-1", "NaN", "1e300"] {
        assert!(parse_time(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_url_is_split_into_origin_and_target() {
    let split = |url| split(url).expect("a URL");
    assert_eq!(split("https://a.example:8443/x?y=%2F"), (Some("https://a.example:8443".into()), "/x?y=%2F".into()));
    assert_eq!(split("/x?y"), (None, "/x?y".into()));
}

#[test]
fn a_header_without_a_colon_is_refused() {
    assert!(given::headers(&["nonsense".into()]).is_err());
    assert_eq!(given::headers(&["X-A:  b ".into()]).expect("good")["x-a"], "b");
}

/// Of a source `t` that the gateway serves behind a proxy which cuts `/hooks` off.
fn verified(args: &[&str]) -> Result<String, CommandError> {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("hookgate.yaml");
    let text = "public_url: https://example.com/hooks\nkafka: { brokers: [k:1] }\nsources: { t: { preset: twilio, secret: 0123456789abcdef } }\n";
    std::fs::write(&file, text).expect("written");
    let file = file.display().to_string();
    let with_file = if args.contains(&"--source") { vec!["-c", &file] } else { Vec::new() };
    let line = ["verify"].iter().chain(args).copied().chain(with_file);
    let line = <Line as clap::Parser>::try_parse_from(line).expect("a command line");
    let mut out = Vec::new();
    run(&line.args, &|_: &str| None, &mut out)?;
    Ok(String::from_utf8(out).expect("text"))
}

#[test]
fn the_registered_url_leads_to_the_source() {
    for url in ["https://example.com/hooks/in/t", "https://example.com/in/t", "/in/t"] {
        let said = verified(&["--source", "t", "--url", url]).expect("judged");
        assert!(said.contains("no credential") && !said.contains("unknown_source"), "{url}: {said}");
    }
}

#[test]
fn what_is_asked_for_and_not_there_is_a_wrong_use() {
    let secret = ["--secret", "0123456789abcdef"];
    for (args, says) in [
        (vec!["--preset", "github", "--url", "/x", "--secret", "@/nope"], "--secret @/nope"),
        (vec!["--preset", "github", "--url", "/x", "--body", "@/nope", secret[0], secret[1]], "--body @/nope"),
        (vec!["--preset", "githb", "--url", "/x", secret[0], secret[1]], "unknown preset `githb`"),
        (vec!["--preset", "hubspot", "--url", "/x", secret[0], secret[1]], "`--url https://…`"),
    ] {
        match verified(&args) {
            Err(CommandError::Usage(said)) => {
                assert!(said.contains(says) && !said.contains("preset:"), "{said}");
            }
            other => panic!("{other:?}"),
        }
    }
}
