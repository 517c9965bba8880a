//! Commands, variables, keys and constants in the documents are those of the program.

use std::collections::BTreeSet;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::Command;
use race_proto::descriptor_pool;
use raced::cli::command;
use raced::config::Config;
use raced::rest::comments;

/// Documents that show commands.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "deploy/README.md",
    "docs/errors.md",
    "docs/faults.md",
    "docs/figures.md",
    "docs/keys.md",
    "docs/models.md",
    "docs/operate.md",
    "docs/race-study.md",
    "race/CUDA.md",
    "race/README.md",
];

fn document(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between backticks.
fn backticked(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The lines of code of a document, continued ones joined, and what it has between backticks.
fn code(text: &str) -> Vec<String> {
    let mut code = Vec::new();
    let mut prose = String::new();
    let mut fenced = None;
    for line in text.replace("\\\n", " ").lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fenced = fenced.is_none().then(|| language.to_owned());
        } else if let Some(language) = &fenced {
            // What a program printed is no command.
            code.extend((language != "text").then(|| line.to_owned()));
        } else if line.starts_with("    ") {
            code.push(line.to_owned());
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    code.extend(backticked(&prose).map(|span| span.replace('\n', " ")));
    code
}

/// The words of the command `raced` in a line of a shell, if there is one.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut quote = None;
    let mut word = String::new();
    for letter in line.chars().chain([' ']) {
        match quote {
            Some(open) if open == letter => quote = None,
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            None if letter == ' ' => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            }
            _ => word.push(letter),
        }
    }
    // Not `raced` as the name of a user, an image or a package, nor as a file among others.
    let runs = |at: &usize| {
        let program = words[*at].rsplit('(').next();
        let before = words[..*at].last().map_or("", String::as_str);
        let mut next = words.get(at + 1).map_or("", String::as_str).bytes();
        matches!(program, Some("raced" | "target/bin/raced"))
            && (before == "--" || !before.starts_with('-'))
            && next.all(|b| b.is_ascii_lowercase() || b == b'-')
    };
    let at = (0..words.len()).rfind(runs)?;
    let ends = |word: &String| ["|", ">", "<", "&&", "#"].contains(&word.as_str());
    let rest = words[at + 1..].iter().take_while(|word| !ends(word));
    let mut raced = vec!["raced".to_owned()];
    for word in rest {
        // `[--replace]` may be left out, and `...` stands for more.
        let bare = word.trim_matches(['[', ']', ')']).trim_end_matches(';');
        raced.extend((!matches!(bare, "..." | "")).then(|| bare.to_owned()));
        if word.ends_with(';') {
            break;
        }
    }
    Some(raced)
}

/// Whether a value stands for one that the reader puts in, such as `HOME` or `node3=KIND`.
fn stands_for_another(value: &str) -> bool {
    let mut parts = value.split(|c: char| !c.is_ascii_alphabetic());
    parts.any(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase()))
}

#[test]
fn every_command_that_a_document_shows_is_one() {
    let mut shown = 0;
    for path in DOCUMENTS {
        for line in code(&document(path)) {
            let Some(words) = words(&line) else { continue };
            // A single word is the program itself, as in `systemctl status raced`.
            if words.len() < 2 {
                continue;
            }
            shown += 1;
            let Err(error) = command().try_get_matches_from(&words) else {
                continue;
            };
            let value = match error.get(ContextKind::InvalidValue) {
                Some(ContextValue::String(value)) => value.as_str(),
                _ => "",
            };
            let named_alone = matches!(
                error.kind(),
                ErrorKind::MissingRequiredArgument
                    | ErrorKind::MissingSubcommand
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    | ErrorKind::DisplayHelp
            );
            let filled_in = matches!(
                error.kind(),
                ErrorKind::ValueValidation | ErrorKind::InvalidValue
            ) && stands_for_another(value);
            assert!(
                named_alone || filled_in,
                "{path}: {line}: {words:?}\n{error}"
            );
        }
    }
    assert!(shown > 80, "{shown}");
}

#[test]
fn a_command_that_there_is_not_is_found_in_a_document() {
    let found = |text: &str| code(text).iter().find_map(|line| words(line));
    assert_eq!(
        found("Run `raced query\ntask --id ID`.").unwrap(),
        ["raced", "query", "task", "--id", "ID"]
    );
    assert_eq!(
        found("    M=$(target/bin/raced version -o json | jq)  # it").unwrap(),
        ["raced", "version", "-o", "json"]
    );
    assert_eq!(found("```text\nraced printed it\n```\n"), None);
    let wrong = ["raced", "query", "settlement", "task", "--id", "ID"];
    let error = command().try_get_matches_from(wrong).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownArgument);
}

#[test]
fn every_variable_that_help_names_is_taken_by_start() {
    fn collect(command: &Command, into: &mut BTreeSet<String>) {
        let variables = command.get_arguments().filter_map(clap::Arg::get_env);
        into.extend(variables.map(|name| name.to_string_lossy().into_owned()));
        command
            .get_subcommands()
            .for_each(|below| collect(below, into));
    }
    let mut variables = BTreeSet::new();
    collect(&command(), &mut variables);
    assert!(variables.contains("RACED_FROM"), "{variables:?}");
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("config")).unwrap();
    Config::default().write(home.path()).unwrap();
    for name in variables {
        let read = Config::load(home.path(), [(name.clone(), "value".to_owned())], &[]);
        assert_eq!(read.unwrap(), Config::default(), "{name}");
    }
}

/// The cells of the rows of the first table after a heading.
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let section = text.split_once(heading).expect("the heading is there").1;
    let rows = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

#[test]
fn every_key_of_the_configuration_is_in_the_handbook_and_no_other() {
    let mut keys = BTreeSet::new();
    for (name, value) in toml::Table::try_from(Config::default()).unwrap() {
        match value {
            toml::Value::Table(section) => {
                keys.extend(section.keys().map(|key| format!("[{name}] {key}")));
            }
            _ => {
                keys.insert(name);
            }
        }
    }
    let mut listed = BTreeSet::new();
    for row in table(&document("docs/operate.md"), "\n## Configuration\n") {
        let mut section = String::new();
        for key in backticked(&row[0]) {
            match key.split_once("] ") {
                Some((named, key)) => {
                    section = format!("{named}] ");
                    listed.insert(format!("{section}{key}"));
                }
                None => {
                    listed.insert(format!("{section}{key}"));
                }
            }
        }
    }
    assert_eq!(listed, keys);
}

#[test]
fn every_constant_and_parameter_among_the_limits_is_in_the_file_that_is_named() {
    let mut file = String::new();
    let mut names = 0;
    for row in table(&document("docs/limits.md"), "# Limits\n") {
        let place = row.last().unwrap();
        let mut waiting = Vec::new();
        let same = format!("`{file}`");
        for word in backticked(&place.replace("same file", &same)) {
            if !word.ends_with(".rs") {
                // `[rest] per_second` is a field, `race/checkers` a text.
                waiting.push(word.rsplit("] ").next().unwrap_or(word).to_owned());
                continue;
            }
            file = word.to_owned();
            let text = document(&file);
            for name in waiting.drain(..) {
                names += 1;
                assert!(text.contains(&name), "{file} has no {name}: {row:?}");
            }
        }
        assert!(waiting.is_empty(), "no file for {waiting:?}: {row:?}");
    }
    assert!(names > 50, "{names}");
}

#[test]
fn every_query_of_this_chains_own_says_what_it_answers() {
    let services = descriptor_pool().services();
    let own = services.filter(|s| s.name() == "Query" && s.package_name().starts_with("race."));
    let methods = own.flat_map(|service| service.methods().collect::<Vec<_>>());
    let silent: Vec<_> = methods
        .filter(|method| comments::of(&method.parent_file(), method.path()).is_none())
        .map(|method| method.full_name().to_owned())
        .collect();
    assert!(silent.is_empty(), "no comment: {silent:?}");
}
