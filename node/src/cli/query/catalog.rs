//! What can be asked, as the descriptors have it.

use std::sync::OnceLock;

use prost_reflect::{
    Cardinality, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, ServiceDescriptor,
};
use race_proto::descriptor_pool;

/// Other names by which Cosmos chains know a query: module, name, method.
const ALIASES: &[(&str, &str, &str)] = &[
    ("bank", "balances", "AllBalances"),
    ("bank", "total", "TotalSupply"),
    ("bank", "total-supply-of", "SupplyOf"),
    ("gov", "tally", "TallyResult"),
    ("upgrade", "plan", "CurrentPlan"),
    ("upgrade", "applied", "AppliedPlan"),
];

/// How many positions of a query must be given.
const REQUIRED: &[(&str, &str, usize)] = &[
    ("auth", "Account", 1),
    ("authz", "Grants", 2),
    ("authz", "GranterGrants", 1),
    ("authz", "GranteeGrants", 1),
    ("bank", "AllBalances", 1),
    ("bank", "Balance", 2),
    ("bank", "SpendableBalances", 1),
    ("bank", "SupplyOf", 1),
    ("bank", "DenomMetadata", 1),
    ("feegrant", "Allowance", 2),
    ("feegrant", "Allowances", 1),
    ("feegrant", "AllowancesByGranter", 1),
    ("gov", "Proposal", 1),
    ("gov", "TallyResult", 1),
    ("gov", "Vote", 2),
    ("gov", "Votes", 1),
    ("gov", "Deposit", 2),
    ("gov", "Deposits", 1),
    ("beacon", "Round", 2),
    ("epoch", "Epoch", 1),
    ("model", "Model", 1),
    ("race", "Sample", 3),
    ("race", "Assignments", 3),
    ("reputation", "Reputation", 1),
    ("session", "Session", 1),
    ("session", "Executor", 2),
    ("settlement", "Task", 2),
    ("upgrade", "AppliedPlan", 1),
];

/// Flags that every query has; a field of such a name is given by its position alone.
const TAKEN: [&str; 6] = ["node", "height", "home", "output", "help", "version"];

/// How deep messages within a request are flattened.
const DEPTH: usize = 2;

/// The queries of one package.
#[derive(Debug)]
pub struct Module {
    /// `bank`.
    pub name: String,
    /// `cosmos.bank.v1beta1`.
    pub package: String,
    /// In the order of the file.
    pub methods: Vec<Method>,
}

/// One query.
#[derive(Debug)]
pub struct Method {
    /// Its names on the command line, the first its own.
    pub names: Vec<String>,
    /// A line on what it answers.
    pub about: String,
    /// `/package.Query/Method`.
    pub path: String,
    /// How many positions must be given.
    pub required: usize,
    /// What can be given.
    pub fields: Vec<Field>,
    /// Its descriptor.
    pub descriptor: MethodDescriptor,
}

impl Method {
    /// Its own name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

/// A field of a request; one within a message of the request has a path of two.
#[derive(Debug)]
pub struct Field {
    /// The name of its flag, without dashes.
    pub flag: String,
    /// The name of its position.
    pub position: String,
    /// Whether it can be given by position.
    pub positional: bool,
    /// Whether another flag has its name.
    pub flag_taken: bool,
    /// Whether the flag may stand alone.
    pub switch: bool,
    /// How the position is shown.
    pub value_name: String,
    /// How the flag's value is shown.
    pub hint: String,
    /// A line on what it takes.
    pub about: String,
    /// From the request to the field.
    pub path: Vec<FieldDescriptor>,
}

/// All modules by name.
#[must_use]
pub fn modules() -> &'static [Module] {
    static MODULES: OnceLock<Vec<Module>> = OnceLock::new();
    MODULES.get_or_init(|| {
        let queries = descriptor_pool().services().filter(|s| s.name() == "Query");
        let modules = queries.map(|service| module(&service));
        let mut modules: Vec<Module> = modules.filter(|m| !m.methods.is_empty()).collect();
        // This chain's own packages go before those of the SDK, later versions before earlier.
        modules.sort_by(|a, b| {
            let order = |m: &Module| (m.name.clone(), !m.package.starts_with("race."));
            let version = |m: &Module| std::cmp::Reverse(stable(&m.package));
            (order(a), version(a)).cmp(&(order(b), version(b)))
        });
        modules.dedup_by(|later, first| later.name == first.name);
        modules
    })
}

/// The query of that name or alias.
#[must_use]
pub fn find(module: &str, method: &str) -> Option<&'static Method> {
    let module = modules().iter().find(|known| known.name == module)?;
    let mut methods = module.methods.iter();
    methods.find(|known| known.names.iter().any(|name| name == method))
}

/// Whether a package's version is not a beta.
fn stable(package: &str) -> bool {
    let version = package.rsplit('.').next().unwrap_or_default();
    version[1.min(version.len())..]
        .bytes()
        .all(|b| b.is_ascii_digit())
}

fn module(service: &ServiceDescriptor) -> Module {
    let package = service.package_name().to_owned();
    // `cosmos.bank.v1beta1` is `bank`.
    let name = package.rsplit('.').nth(1).unwrap_or(&package).to_owned();
    let streams =
        |method: &MethodDescriptor| method.is_client_streaming() || method.is_server_streaming();
    let methods = service
        .methods()
        .filter(|method| !streams(method))
        .map(|descriptor| method(&name, service, descriptor))
        // The SDK's files name more than this chain answers.
        .filter(|method| race_app::registry::query(&method.path).is_some())
        .collect();
    Module {
        name,
        package,
        methods,
    }
}

fn method(module: &str, service: &ServiceDescriptor, descriptor: MethodDescriptor) -> Method {
    let name = descriptor.name().to_owned();
    let known = |entry: &(&str, &str, &str)| entry.0 == module && entry.2 == name;
    let aliases = ALIASES.iter().filter(|entry| known(entry));
    let mut names = vec![kebab(&name)];
    names.extend(aliases.map(|(_, alias, _)| (*alias).to_owned()));
    let mut fields = Vec::new();
    flatten(&descriptor.input(), &mut Vec::new(), &mut fields);
    let positions = fields.iter().filter(|field| field.positional).count();
    let required = REQUIRED
        .iter()
        .find(|entry| entry.0 == module && entry.1 == name);
    Method {
        names,
        about: comment(service, &descriptor)
            .unwrap_or_else(|| format!("Asks {}", descriptor.full_name())),
        path: format!("/{}/{name}", service.full_name()),
        required: required.map_or(0, |(_, _, count)| positions.min(*count)),
        fields,
        descriptor,
    }
}

/// Appends what can be given for a message, those of messages within it included.
fn flatten(message: &MessageDescriptor, path: &mut Vec<FieldDescriptor>, into: &mut Vec<Field>) {
    for field in message.fields() {
        path.push(field.clone());
        match field.kind() {
            Kind::Message(inner)
                if field.cardinality() != Cardinality::Repeated
                    && path.len() < DEPTH
                    && !inner.full_name().starts_with("google.") =>
            {
                flatten(&inner, path, into);
            }
            kind => {
                let field = describe(path, &kind);
                if into.iter().all(|known| known.flag != field.flag) {
                    into.push(field);
                }
            }
        }
        path.pop();
    }
}

fn describe(path: &[FieldDescriptor], kind: &Kind) -> Field {
    let last = path.last().map_or("", FieldDescriptor::name);
    let within = (path.len() > 1).then(|| path[0].name());
    let page = within == Some("pagination");
    // As on Cosmos chains: --limit, --offset, --page-key.
    let flag = match within {
        Some(_) if page && last == "key" => "page-key".to_owned(),
        _ => last.replace('_', "-"),
    };
    let (hint, about) = takes(kind);
    let repeated = path.last().is_some_and(FieldDescriptor::is_list);
    Field {
        position: format!("position-{flag}"),
        positional: !page && !repeated,
        flag_taken: TAKEN.contains(&flag.as_str()),
        switch: matches!(kind, Kind::Bool),
        value_name: flag.replace('-', "_").to_uppercase(),
        about: if repeated {
            format!("{about}, several with commas between them")
        } else {
            about
        },
        hint,
        flag,
        path: path.to_vec(),
    }
}

/// How a kind's values are written, in a word and in a line.
fn takes(kind: &Kind) -> (String, String) {
    let (hint, about) = match kind {
        Kind::Bool => ("BOOL", "true or false"),
        Kind::String => ("TEXT", "Text"),
        Kind::Bytes => ("HEX", "Bytes in hex"),
        Kind::Enum(kind) => {
            let names = kind
                .values()
                .map(|value| short(kind.full_name(), value.name()));
            // The zero that stands for nothing is no choice.
            let names: Vec<_> = names.filter(|name| name != "unspecified").collect();
            return ("NAME".to_owned(), format!("One of {}", names.join(", ")));
        }
        Kind::Message(_) => ("JSON", "A message as JSON"),
        Kind::Double | Kind::Float => ("NUMBER", "Number"),
        _ => ("N", "Whole number"),
    };
    (hint.to_owned(), about.to_owned())
}

/// `race-seed` for `PURPOSE_RACE_SEED` of the enumeration `Purpose`.
#[must_use]
pub fn short(kind: &str, value: &str) -> String {
    let kind = kind.rsplit('.').next().unwrap_or(kind);
    let prefix = format!("{}_", kebab(kind).replace('-', "_").to_uppercase());
    let rest = value.strip_prefix(&prefix).unwrap_or(value);
    rest.to_ascii_lowercase().replace('_', "-")
}

/// `AllBalances` to `all-balances`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for (place, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

/// The comment before a method in its file, on one line.
fn comment(service: &ServiceDescriptor, method: &MethodDescriptor) -> Option<String> {
    let path = method.path();
    let file = service.parent_file();
    let info = file.file_descriptor_proto().source_code_info.as_ref()?;
    let place = info.location.iter().find(|place| place.path == path)?;
    let text = place.leading_comments.as_deref()?;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    (!line.is_empty()).then(|| line.to_owned())
}
