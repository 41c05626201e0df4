//! `hookgate presets new`: from a captured request and its secret to a source that accepts it.
//!
//! First every preset of the catalogue is tried, then schemes that nobody has named: where a signature could be, how it
//! could be written, and what it could cover. Whatever is proposed has been read as a configuration and has accepted the
//! request before it is printed.

use std::io::{self, BufRead, IsTerminal, Write};

use bytes::Bytes;

use super::show;
use super::vectors::{Delivery, Judge, Verdict};
use crate::cli::{CommandError, Exit, given, secret};
use crate::clock::{Clock, UnixMillis};
use crate::config::{Config, Environment, PresetInfo};
use crate::secret::Secret;
use crate::signature::Demands;

mod captured;
mod guess;
mod reading;
mod trial;
mod write;

use captured::Captured;
use trial::{Fit, opens, search};

/// What `presets new` is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A captured request as text: request line, headers, empty line, exact body; `-` for stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "url", "header", "body"])]
    pub request: Option<String>,
    /// The request's method
    #[arg(long, default_value = "POST")]
    pub method: String,
    /// The URL that it was sent to
    #[arg(long)]
    pub url: Option<String>,
    /// A header, `Name: value`; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// The exact body: text, or @FILE
    #[arg(long, value_name = "TEXT|@FILE", default_value = "")]
    pub body: String,
    /// The secret (or public key) that it was signed with: text, @FILE or env:VARIABLE; asked for on a terminal
    #[arg(long, value_name = "SECRET")]
    pub secret: Option<String>,
    /// What the source is to be called
    #[arg(long, value_name = "NAME", default_value = "new")]
    pub name: String,
}

/// Proposes a source; exit 1 where nothing fits.
///
/// # Errors
/// The request or the secret is not there, or an output cannot be written.
pub fn run(
    args: &Args,
    environment: &dyn Environment,
    judge: Judge<'_>,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let captured = captured(args)?;
    let secret = match &args.secret {
        Some(text) => secret::given(text, environment)?,
        None => Secret::new(ask("secret", messages)?),
    };
    let presets = PresetInfo::all().map_err(CommandError::Config)?;
    propose(&args.name, &captured, &secret, &presets, judge, out, messages)
}

fn propose(
    name: &str,
    captured: &Captured,
    secret: &Secret,
    presets: &[PresetInfo],
    judge: Judge<'_>,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let now = Clock::system().wall();
    let Ok(text) = str::from_utf8(secret.expose()) else {
        return Err(CommandError::Usage(
            "--secret: expected text, in which bytes are written as hex, base64 or PEM".into(),
        ));
    };
    let proposal = of_the_catalogue(name, captured, secret, presets, now);
    let (proposals, search) = if proposal.is_empty() {
        let search = search(captured, secret, now);
        let guess = guess::guess(captured);
        let of_fit = |fit: &Fit| Proposal {
            says: format!("a scheme of its own: {}", write::auth(&fit.block)),
            block: write::source(name, fit, &guess, captured),
            made_at: fit.made_at,
            is_anywhere: fit.segment.is_none() && !write::signs_url(&fit.block),
        };
        (search.fits.iter().map(of_fit).collect(), Some(search))
    } else {
        (proposal, None)
    };
    let good: Vec<_> = proposals.iter().filter(|proposal| proposal.accepts(name, captured, text, judge)).collect();
    let Some((first, others)) = good.split_first() else {
        tell_failure(captured, search.as_ref(), messages)?;
        return Ok(Exit::Failure);
    };
    for other in others {
        writeln!(messages, "it could also be {}", other.says)?;
    }
    writeln!(
        out,
        "# This is {}\n# The request has been accepted by it, as of {}.\n{}",
        first.says,
        first.made_at,
        first.block.trim_end()
    )?;
    Ok(Exit::Success)
}

/// A source that may be the one.
struct Proposal {
    says: String,
    block: String,
    made_at: UnixMillis,
    /// Whether its path makes no difference.
    is_anywhere: bool,
}

impl Proposal {
    /// Whether a gateway with it would take the request.
    fn accepts(&self, name: &str, captured: &Captured, secret: &str, judge: Judge<'_>) -> bool {
        let text = format!("kafka: {{ brokers: [none:0] }}\n{}", self.block);
        let variable = show::variable(name);
        let loaded = Config::parse(name, &text, &|asked: &str| (asked == variable).then(|| secret.to_owned()));
        let Some(settings) = loaded.ok().and_then(|loaded| loaded.config.sources.into_iter().next()) else {
            return false;
        };
        let target = if self.is_anywhere {
            captured.target.replacen(captured.path(), &settings.path, 1)
        } else {
            captured.target.clone()
        };
        let (method, headers) = (captured.method.clone(), captured.headers.clone());
        let delivery = Delivery { method, target, headers, body: Bytes::from(captured.body.clone()) };
        !matches!(judge(&settings, &delivery, self.made_at), Verdict::Rejected(_))
    }
}

/// The presets that the request satisfies; first those that find most of what they look for in it.
fn of_the_catalogue(
    name: &str,
    captured: &Captured,
    secret: &Secret,
    presets: &[PresetInfo],
    now: UnixMillis,
) -> Vec<Proposal> {
    let mut found: Vec<(usize, Proposal)> = Vec::new();
    for preset in presets {
        let (secrets, public_url) = (vec![secret.clone()], captured.origin.clone());
        let demands = Demands { secrets, public_url, ..preset.settings.demands.clone() };
        let Some((made_at, kind)) = opens(demands, captured, None, now) else { continue };
        let signs_url = super::facts::signs_url(preset);
        let says = format!("preset: {} ({}, {kind})", preset.preset, preset.name);
        let block = write::preset(name, &preset.preset, captured, signs_url);
        let known = found_in(&preset.settings.identify, captured);
        found.push((known, Proposal { says, block, made_at, is_anywhere: !signs_url }));
    }
    found.sort_by_key(|(known, _)| std::cmp::Reverse(*known));
    found.into_iter().map(|(_, proposal)| proposal).collect()
}

/// How much of what tells one sender from another is there.
fn found_in(identify: &crate::ingest::source::Identify, captured: &Captured) -> usize {
    let request = captured.request();
    let mut scope = crate::locate::Scope::of(request);
    let elements = identify.batch.as_ref().and_then(|batch| crate::locate::elements(batch, &request));
    let element = elements.as_ref().and_then(|elements| elements.iter().next());
    if let Some(element) = element {
        scope.enter(element);
    }
    let id = !matches!(identify.id, crate::locate::Expr::Hash) && identify.id.find(&scope).is_some();
    let kind = identify.kind.as_ref().is_some_and(|kind| kind.find_type(&scope).is_some());
    let headers = identify.headers.iter().filter(|name| captured.headers.contains_key(*name)).count();
    usize::from(element.is_some()) + 2 * usize::from(id) + usize::from(kind) + headers
}

fn captured(args: &Args) -> Result<Captured, CommandError> {
    let as_usage = |error: String| CommandError::Usage(format!("the request: {error}"));
    match (&args.request, &args.url) {
        (Some(file), _) => {
            let text = if file == "-" { read_all() } else { std::fs::read(file) };
            let text = text.map_err(|error| CommandError::Usage(format!("--request {file}: {error}")))?;
            Captured::read(&text).map_err(as_usage)
        }
        (None, Some(url)) => {
            let (headers, body) = (given::headers(&args.header)?, given::body(&args.body)?);
            Captured::new(&args.method, url, headers, body).map_err(as_usage)
        }
        (None, None) => Err(CommandError::Usage("give --request FILE, or --url with -H and --body".into())),
    }
}

fn read_all() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::Read::read_to_end(&mut io::stdin(), &mut text)?;
    Ok(text)
}

/// Asks whoever sits at the terminal; without one, what is missing is an error.
fn ask(what: &str, messages: &mut dyn Write) -> Result<String, CommandError> {
    if !io::stdin().is_terminal() {
        return Err(CommandError::Usage(format!("give --{what}")));
    }
    write!(messages, "{what} (it is shown as you type): ")?;
    messages.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn tell_failure(captured: &Captured, search: Option<&trial::Search>, messages: &mut dyn Write) -> io::Result<()> {
    writeln!(messages, "nothing fits this request and this secret. Tried:")?;
    writeln!(messages, "  every preset of the catalogue")?;
    if let Some(search) = search {
        let places =
            if search.looked_at.is_empty() { "nothing looks like one".to_owned() } else { search.looked_at.join(", ") };
        writeln!(messages, "  {} schemes; where a signature could be: {places}", search.trials)?;
        if search.broken_off {
            writeln!(messages, "  the search was broken off: leave headers away that have nothing to do with it")?;
        }
    }
    writeln!(messages, "  the secret itself in a header, the query, the path, the form, the body, or as HTTP Basic")?;
    let url = match &captured.origin {
        Some(origin) => format!("the URL as {origin}{}; give --url where it is registered otherwise", captured.target),
        None => "no signature over the URL: give --url https://…, or a Host header".to_owned(),
    };
    writeln!(messages, "  {url}")?;
    writeln!(messages, "is the body exact, byte for byte, and the secret that of this very webhook?")
}

#[cfg(test)]
mod tests;
