//! Standard streams, replaceable in tests.

use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use zeroize::Zeroizing;

/// How results and errors are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}

impl Format {
    /// What a command line asks for, even one that cannot be parsed.
    #[must_use]
    pub fn wanted(args: &[OsString]) -> Self {
        let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        let joined = |arg: &str| arg == "--output=json" || arg == "-o=json" || arg == "-ojson";
        let flagged = args.iter().any(|arg| joined(arg))
            || args
                .windows(2)
                .any(|pair| matches!(pair[0].as_ref(), "--output" | "-o") && pair[1] == "json");
        let named = args.iter().any(|arg| arg.starts_with("--output"));
        let variable = || std::env::var_os("RACED_OUTPUT").is_some_and(|value| value == "json");
        if flagged || (!named && variable()) {
            Self::Json
        } else {
            Self::Text
        }
    }
}

type Writer = Arc<Mutex<dyn Write + Send>>;

/// Where a command reads and writes. Cheap to clone.
#[derive(Clone)]
pub struct Console {
    out: Writer,
    err: Writer,
    input: Arc<Mutex<dyn BufRead + Send>>,
    /// Whether people look at standard error.
    pub terminal: bool,
    /// Whether people type on standard input.
    pub typed: bool,
}

/// What was written to a [`Console::captured`].
#[derive(Clone, Default)]
pub struct Captured {
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
}

impl Console {
    /// The process's own streams.
    #[must_use]
    pub fn real() -> Self {
        Self {
            out: Arc::new(Mutex::new(io::stdout())),
            err: Arc::new(Mutex::new(io::stderr())),
            input: Arc::new(Mutex::new(io::BufReader::new(io::stdin()))),
            terminal: io::stderr().is_terminal(),
            typed: io::stdin().is_terminal(),
        }
    }

    /// Streams in memory: `input` is what will be read.
    #[must_use]
    pub fn captured(input: &str) -> (Self, Captured) {
        let captured = Captured::default();
        let console = Self {
            out: captured.out.clone(),
            err: captured.err.clone(),
            input: Arc::new(Mutex::new(io::Cursor::new(input.as_bytes().to_vec()))),
            terminal: false,
            typed: false,
        };
        (console, captured)
    }

    /// Writes to standard output, with a line break at the end.
    pub fn print(&self, text: &str) {
        write_line(&self.out, text);
    }

    /// Writes to standard output as it is, at once.
    pub fn write(&self, text: &str) {
        let mut to = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // As in `write_line`.
        let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
    }

    /// Writes to standard error, with a line break at the end.
    pub fn note(&self, text: &str) {
        write_line(&self.err, text);
    }

    /// Asks on standard error and reads the rest of a line; `None` at the end of the input.
    #[must_use]
    pub fn ask(&self, question: &str) -> Option<String> {
        write_line(&self.err, question);
        let mut line = String::new();
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        match input.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    }

    /// As [`ask`](Self::ask), for a secret: what is typed is not shown, and spaces belong to it. Nobody
    /// is asked where nobody types.
    #[must_use]
    pub fn secret(&self, question: &str) -> Option<Zeroizing<String>> {
        if self.typed {
            write_line(&self.err, question);
        }
        let _hidden = self.typed.then(Hidden::new);
        let mut line = Zeroizing::new(String::new());
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        match input.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(Zeroizing::new(
                line.trim_end_matches(['\r', '\n']).to_owned(),
            )),
        }
    }

    /// Reads standard input to its end.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    pub fn read_all(&self) -> io::Result<String> {
        let mut text = String::new();
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        input.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Asks a question whose answer is no unless it is `y` or `yes`.
    #[must_use]
    pub fn confirm(&self, question: &str) -> bool {
        let answer = self.ask(&format!("{question} [y/N]"));
        answer.is_some_and(|answer| matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}

/// Keeps a terminal from showing what is typed, until it is dropped.
struct Hidden(Option<Termios>);

impl Hidden {
    fn new() -> Self {
        let shown = termios::tcgetattr(io::stdin()).ok();
        if let Some(mut modes) = shown.clone() {
            modes.local_modes.remove(LocalModes::ECHO);
            // The end of the line is shown, so that what follows begins on a line of its own.
            modes.local_modes.insert(LocalModes::ECHONL);
            // A terminal that refuses shows what is typed; there is no better way to read it.
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Flush, &modes);
        }
        Self(shown)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(shown) = &self.0 {
            // As it was; there is nothing to do about a failure.
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, shown);
        }
    }
}

impl Captured {
    /// What went to standard output.
    #[must_use]
    pub fn out(&self) -> String {
        text(&self.out)
    }

    /// What went to standard error.
    #[must_use]
    pub fn err(&self) -> String {
        text(&self.err)
    }
}

fn text(bytes: &Mutex<Vec<u8>>) -> String {
    let bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn write_line(to: &Writer, text: &str) {
    let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
    // A reader that went away (`raced ... | head`) is no failure.
    let _ = writeln!(to, "{}", text.trim_end_matches('\n')).and_then(|()| to.flush());
}
