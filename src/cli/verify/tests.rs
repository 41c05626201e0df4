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
    assert!(headers(&["nonsense".into()]).is_err());
    assert_eq!(headers(&["X-A:  b ".into()]).expect("good")["x-a"], "b");
}
