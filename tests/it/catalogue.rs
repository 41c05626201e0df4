//! The whole catalogue through the real front door: one gateway with a source for every preset, and each of its samples
//! good, under a wrong secret, changed, and late. What to expect of a preset is asked of the catalogue, never listed here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{LazyLock, Mutex};

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use serde_json::Value;

use crate::support::client::Answer;
use crate::support::front::Front;
use crate::support::gateway::hookgate;
use crate::support::kafka::record::Record;
use crate::support::scratch;

const TOPIC: &str = "catalogue.all";
const SENDERS: usize = 4;

/// The keys of senders that have a pair, by the kind of their scheme.
static KEYS: LazyLock<tempfile::TempDir> = LazyLock::new(|| scratch::dir("catalogue-keys-"));

/// What the catalogue says of a preset.
struct Preset(Value);

impl Preset {
    fn all() -> Vec<Self> {
        let listed = hookgate().args(["presets", "list", "--json"]).output().expect("it runs");
        let Value::Array(presets) = serde_json::from_slice(&listed.stdout).expect("JSON") else { panic!("no list") };
        // Those whose keys only the provider has, and publishes, are proven by their vectors and in `keys`.
        presets.into_iter().filter(|preset| preset["fetches_keys"] == false).map(Self).collect()
    }

    fn name(&self) -> &str {
        self.0["preset"].as_str().expect("a name")
    }

    fn blocks(&self) -> &[Value] {
        self.0["blocks"].as_array().expect("blocks")
    }

    fn every_block(&self, fact: &str) -> bool {
        self.blocks().iter().all(|block| block[fact] == true)
    }

    /// Whether anybody is taken for the sender.
    fn is_open(&self) -> bool {
        self.blocks().iter().any(|block| block["kind"] == "none")
    }

    fn needs_key_pair(&self) -> bool {
        self.every_block("private_key")
    }

    fn first_kind(&self) -> &str {
        self.blocks()[0]["kind"].as_str().expect("a kind")
    }

    /// A secret in the form that its first block with a shared one wants.
    fn secret(&self) -> String {
        let block = self.blocks().iter().find(|block| block["private_key"] == false).expect("a shared secret");
        let bytes = format!("{}:a-secret-of-the-catalogue", self.name());
        let bytes = bytes.as_bytes();
        let text = match block["secret_encoding"].as_str() {
            None => String::from_utf8_lossy(bytes).into_owned(),
            Some("hex") => HEXLOWER.encode(bytes),
            Some("base64url") => BASE64URL_NOPAD.encode(bytes),
            Some(_) => BASE64.encode(bytes),
        };
        format!("{}{text}", block["secret_start"].as_str().unwrap_or_default())
    }

    fn source(&self) -> String {
        let name = self.name();
        let proof = if self.needs_key_pair() {
            format!("secret_file: '{}'", key_pair(self.first_kind(), "pub"))
        } else {
            format!("secret: '{}'", self.secret())
        };
        let path =
            if self.0["needs_path"] == true { format!(", path: '/in/{name}/{{secret}}'") } else { String::new() };
        format!("{name}: {{ preset: {name}, topic: {TOPIC}, {proof}{path} }}\n")
    }

    fn samples(&self) -> Vec<String> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/presets/samples").join(self.name());
        let files = fs::read_dir(dir).into_iter().flatten().flatten();
        files.filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned())).collect()
    }

    /// What its sender would put on the wire.
    fn request(&self, front: &Front, sample: &str, flaw: Option<&str>) -> Vec<u8> {
        let to = format!("http://{}", front.gateway.public);
        let mut send = hookgate();
        send.args(["send", self.name(), "--dry-run", "--to", &to, "--event", sample]).args(flaw);
        send.arg("--config").arg(front.gateway.config());
        if self.needs_key_pair() {
            send.arg(format!("--secret=@{}", key_pair(self.first_kind(), "key")));
        }
        let Output { status, stdout, stderr } = send.output().expect("it runs");
        assert!(status.success(), "{} {sample}: {}", self.name(), String::from_utf8_lossy(&stderr));
        stdout
    }
}

/// The file with one half of a pair, which is made once.
fn key_pair(kind: &str, half: &str) -> String {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MAKING.lock();
    let (private, public) = (KEYS.path().join(format!("{kind}.key")), KEYS.path().join(format!("{kind}.pub")));
    if !public.exists() {
        let openssl = |arguments: &[&str]| {
            let done = Command::new("openssl").args(arguments).output().expect("`openssl` can be run");
            assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        };
        let make: &[&str] = match kind {
            "ed25519" | "jws-eddsa" => &["genpkey", "-algorithm", "ed25519"],
            "ecdsa-p256" | "jws-es256" => &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            _ => &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        };
        let (private, public) = (private.to_str().expect("UTF-8"), public.to_str().expect("UTF-8"));
        openssl(&[make, &["-out", private]].concat());
        openssl(&["pkey", "-in", private, "-pubout", "-out", public]);
    }
    KEYS.path().join(format!("{kind}.{half}")).to_str().expect("UTF-8").to_owned()
}

/// A delivery that was taken, as it went in.
struct Taken {
    preset: usize,
    request: Vec<u8>,
    request_id: String,
}

fn put(front: &Front, request: &[u8]) -> Answer {
    let mut connection = front.connect();
    assert!(connection.send(request), "the gateway hangs up");
    connection.receive().expect("an answer")
}

/// All of what may and may not be taken of one sample.
fn knock(front: &Front, index: usize, preset: &Preset, sample: &str) -> Taken {
    let case = |flaw: &str| format!("{} {sample} {flaw}", preset.name());
    let ask = |flaw: &str| put(front, &preset.request(front, sample, Some(flaw))).status;
    if !preset.is_open() {
        assert_eq!(ask("--bad-signature"), 401, "{}", case("under a wrong secret"));
    }
    if preset.every_block("covers_body") {
        assert_eq!(ask("--tampered"), 401, "{}", case("changed on the way"));
    }
    if preset.every_block("timestamp") {
        assert_eq!(ask("--stale"), 401, "{}", case("an hour late"));
    }
    let request = preset.request(front, sample, None);
    let good = put(front, &request);
    assert!((200..300).contains(&good.status), "{}: {good:?}", case("good"));
    assert_eq!(good.header("x-duplicate"), None, "{}", case("is no second copy"));
    if !preset.0["dedupe_window"].is_null() {
        assert_eq!(put(front, &request).header("x-duplicate"), Some("true"), "{}", case("twice"));
    }
    let request_id = good.header("x-request-id").expect("an id").to_owned();
    Taken { preset: index, request, request_id }
}

/// Everything that its records must be.
fn is_whole(preset: &Preset, taken: &Taken, records: &[&Record]) {
    let name = preset.name();
    let split = taken.request.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let (head, body) = taken.request.split_at(split);
    let head = String::from_utf8_lossy(head);
    let target = head.split(' ').nth(1).expect("a target").as_bytes();
    // A field of a form holds its batch encoded.
    let decoded = percent_encoding::percent_decode(body).collect::<Vec<_>>();
    let holds = |text: &[u8], value: &[u8]| text.windows(value.len().max(1)).any(|part| part == value);
    assert!(!records.is_empty(), "{name}: no record of {}", taken.request_id);
    for record in records {
        let value = &record.value;
        let as_it_came = match (preset.0["batch"].is_null(), head.starts_with("GET ")) {
            (true, false) => value == body,
            (true, true) => holds(target, value),
            (false, _) => holds(body, value) || holds(&decoded, value),
        };
        assert!(as_it_came, "{name}: {record:?} of {head}{}", String::from_utf8_lossy(body));
        assert_eq!(record.header("hookgate-malformed"), None, "{name}: its sample lacks what the preset looks for");
        assert_eq!(record.header("hookgate-source"), Some(name));
        let proof = record.header("hookgate-verified").unwrap_or_default();
        assert!(preset.is_open() || proof.ends_with(";key=0"), "{name}: {proof}");
        assert!(
            record.header("ce_type").is_some_and(|kind| kind.starts_with(&format!("{name}."))),
            "{name}: {record:?}"
        );
        let count = record.header("hookgate-batch").and_then(|place| place.split('/').nth(1)?.parse().ok());
        assert_eq!(records.len(), count.unwrap_or(1), "{name}");
    }
}

#[test]
fn every_preset_takes_its_samples_byte_for_byte_and_no_forgery_of_them() {
    let presets = Preset::all();
    let without: Vec<_> = presets.iter().filter(|preset| preset.samples().is_empty()).map(Preset::name).collect();
    assert!(without.is_empty(), "presets without a sample in src/presets/samples: {without:?}");
    let sources: String = presets.iter().map(Preset::source).collect();
    let front = Front::open_with("catalogue", "public_url: https://hooks.example.com", &sources);
    let cases: Vec<_> =
        presets.iter().enumerate().flat_map(|(i, p)| p.samples().into_iter().map(move |s| (i, s))).collect();
    let taken: Vec<Taken> = std::thread::scope(|scope| {
        let work = |part: usize| {
            let (front, presets, cases) = (&front, &presets, &cases);
            let mine = cases.iter().skip(part).step_by(SENDERS);
            scope.spawn(move || mine.map(|(i, sample)| knock(front, *i, &presets[*i], sample)).collect::<Vec<_>>())
        };
        let threads: Vec<_> = (0..SENDERS).map(work).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no case failed")).collect()
    });
    assert_eq!(taken.len(), cases.len());
    let kafka = crate::support::kafka::Kafka::shared();
    let ids = |records: &[Record]| -> BTreeMap<String, usize> {
        let id = |record: &Record| record.header("hookgate-request-id").map(str::to_owned);
        records.iter().filter_map(id).fold(BTreeMap::new(), |mut ids, id| {
            *ids.entry(id).or_default() += 1;
            ids
        })
    };
    let records = kafka.records_until(TOPIC, |records| {
        let ids = ids(records);
        taken.iter().all(|taken| ids.contains_key(&taken.request_id))
    });
    for taken in &taken {
        let its = |record: &&Record| record.header("hookgate-request-id") == Some(&taken.request_id);
        is_whole(&presets[taken.preset], taken, &records.iter().filter(its).collect::<Vec<_>>());
    }
}
