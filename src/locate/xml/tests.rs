use super::*;

fn path(text: &str) -> Vec<String> {
    text.split('/').filter(|token| !token.is_empty()).map(str::to_owned).collect()
}

fn found(text: &str, at: &str) -> Option<String> {
    value(text.as_bytes(), &path(at)).map(|value| String::from_utf8(value.into_owned()).expect("text"))
}

fn all(text: &str, at: &str) -> Option<Vec<String>> {
    let slices = elements(text.as_bytes(), &path(at), 10).expect("not too many")?;
    Some(slices.iter().map(|slice| String::from_utf8(slice.to_vec()).expect("text")).collect())
}

const SOAP: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">
 <s:Body><n:list xmlns:n="urn:n"><Org>00D1</Org><n:Note a="1 > 0"><Id>a&amp;b</Id></n:Note><!-- < --><Note ><Id >2</Id>
 <o xsi:type='sf:Lead'/></Note ><Other><Note/></Other></n:list></s:Body>
</s:Envelope>
"#;

#[test]
fn elements_are_found_by_their_path_as_they_came() {
    let notes = all(SOAP, "/Envelope/Body/list/Note").expect("two");
    let second = "<Note ><Id >2</Id>\n <o xsi:type='sf:Lead'/></Note >";
    assert_eq!(notes, [r#"<n:Note a="1 > 0"><Id>a&amp;b</Id></n:Note>"#, second]);
    assert_eq!(all("<a><b/><b>1</b><c/></a>", "/a/b").expect("two"), ["<b/>", "<b>1</b>"]);
    assert_eq!(all("<a><a><a/></a></a>", "/a/a").expect("one"), ["<a><a/></a>"]);
    assert_eq!(all(SOAP, "/Envelope/Note"), None);
    assert_eq!(all(SOAP, "/list/Note"), None);
}

#[test]
fn a_value_is_the_text_of_an_element_or_an_attribute() {
    for (at, expected) in [
        ("/Envelope/Body/list/Org", Some("00D1")),
        ("/Envelope/Body/list/Note/Id", Some("a&b")),
        ("/Envelope/Body/list/Note/@a", Some("1 > 0")),
        ("/Envelope/Body/list/Other/Note", Some("")),
        ("/Envelope/Body/list", None),
        ("/Envelope/Body/list/Org/@a", None),
        ("/Envelope/@missing", None),
        ("/", None),
    ] {
        // Of two notes the first counts; whoever must not take it so asks whether it is repeated.
        assert_eq!(found(SOAP, at).as_deref(), expected, "{at}");
    }
    assert!(is_repeated(SOAP.as_bytes(), &path("/Envelope/Body/list/Note/Id")));
    assert!(!is_repeated(SOAP.as_bytes(), &path("/Envelope/Body/list/Org")));
    let element = b"<n:Note><Id>7</Id><o xsi:type=\"sf:Lead\"/></n:Note>";
    assert_eq!(value_inside(element, &path("/Id")).as_deref(), Some(&b"7"[..]));
    assert_eq!(value_inside(element, &path("/o/@type")).as_deref(), Some(&b"sf:Lead"[..]));
    assert_eq!(value_inside(element, &path("/Note/Id")), None);
    assert!(is_repeated_inside(b"<a><Id>7</Id><Id>8</Id></a>", &path("/Id")));
}

#[test]
fn the_five_entities_and_numbers_are_decoded_and_no_others() {
    for (text, expected) in [
        ("&lt;&gt;&amp;&quot;&apos;", Some("<>&\"'")),
        ("&#233;&#xe9;", Some("\u{e9}\u{e9}")),
        ("&copy;", None),
        ("&amp", None),
        ("&#xD800;", None),
        ("&#+65;", None),
        ("&#x+41;", None),
        ("&#0;", None),
        ("&#;", None),
        ("&#99999999999;", None),
        ("&;", None),
    ] {
        assert_eq!(found(&format!("<a>{text}</a>"), "/a").as_deref(), expected, "{text}");
    }
    assert_eq!(found("<a><![CDATA[x]]></a>", "/a"), None);
    assert_eq!(found("<a>x<!-- y --></a>", "/a"), None);
}

#[test]
fn what_is_not_well_formed_has_no_elements() {
    let deep = "<b>".repeat(DEPTH_MAX) + &"</b>".repeat(DEPTH_MAX);
    for wrong in [
        "",
        "text",
        "<a",
        "<a>",
        "<a><b></a>",
        "<a></b>",
        "<a></a></a>",
        "<a/><a/>",
        "<a/>text",
        "text<a/>",
        "<![CDATA[x]]><a/>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<a><!ENTITY x \"y\"></a>",
        "<a><!-- </a>",
        "<a><? </a>",
        "<a b=1></a>",
        "<a b='1'c='2'></a>",
        "<a b='1' b='2'></a>",
        "<a b='<'></a>",
        "<a b></a>",
        "<a b='></a>",
        "< a></a>",
        "<a><></></a>",
        "<soapenv:Envelope .../>",
        &format!("<a>{deep}</a>"),
    ] {
        assert_eq!(all(wrong, "/a"), None, "{wrong}");
        assert_eq!(found(wrong, "/a"), None, "{wrong}");
    }
    assert!(all(&deep, "/b").is_some());
    assert!(all("\u{feff}<a/>\n", "/a").is_some());
}

#[test]
fn more_elements_than_there_is_room_for_are_told() {
    let text = format!("<a>{}</a>", "<b/>".repeat(11));
    assert_eq!(elements(text.as_bytes(), &path("/a/b"), 10), Err(TooMany));
    assert_eq!(elements(text.as_bytes(), &path("/a/b"), 11).expect("room").expect("there").len(), 11);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[<>/a!?\\[\\]CDAT='\" &;#x:-]{0,60}") {
        value(text.as_bytes(), &path("/a/@a"));
        is_repeated_inside(text.as_bytes(), &path("/a"));
        proptest::prop_assert!(elements(text.as_bytes(), &path("/a"), 10).is_ok());
    }
}
