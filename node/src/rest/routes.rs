//! The table of routes: every method that is served and whose `.proto` file names a route.

use std::sync::OnceLock;

use prost_reflect::MethodDescriptor;
use race_proto::annotations::http_routes;
use race_proto::descriptor_pool;

use crate::unary;

/// A route.
#[derive(Debug)]
pub struct Route {
    /// `GET` or `POST`.
    pub verb: &'static str,
    /// As the file has it: `/cosmos/bank/v1beta1/balances/{address}`.
    pub template: String,
    /// Its parts.
    segments: Vec<Segment>,
    /// Whether the request is the body's JSON.
    pub body: bool,
    /// `/package.Service/Method`.
    pub method_path: String,
    /// The method.
    pub method: MethodDescriptor,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    /// A field of the request.
    Field(String),
    /// A field that takes the rest of the path.
    Rest(String),
}

/// What a path says of fields.
pub type Captured = Vec<(String, String)>;

fn segments(template: &str) -> Vec<Segment> {
    let segment = |part: &str| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        None => Segment::Literal(part.to_owned()),
        Some(field) => match field.split_once('=') {
            Some((field, "**")) => Segment::Rest(field.to_owned()),
            Some((field, _)) => Segment::Field(field.to_owned()),
            None => Segment::Field(field.to_owned()),
        },
    };
    template
        .trim_start_matches('/')
        .split('/')
        .map(segment)
        .collect()
}

/// All routes; what is written out goes before what is a field.
pub fn all() -> &'static [Route] {
    static ROUTES: OnceLock<Vec<Route>> = OnceLock::new();
    ROUTES.get_or_init(|| {
        let mut routes = Vec::new();
        for service in descriptor_pool().services() {
            for method in service.methods() {
                let method_path = format!("/{}/{}", service.full_name(), method.name());
                if !unary::serves(&method_path) {
                    continue;
                }
                routes.extend(http_routes(&method).into_iter().map(|route| Route {
                    verb: route.verb,
                    segments: segments(&route.path),
                    template: route.path,
                    body: route.body,
                    method_path: method_path.clone(),
                    method: method.clone(),
                }));
            }
        }
        routes.sort_by(|a, b| a.segments.cmp(&b.segments));
        routes
    })
}

/// The route of a request, with what its path says.
pub fn find(verb: &str, path: &str) -> Option<(&'static Route, Captured)> {
    let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let mut routes = all().iter().filter(|route| route.verb == verb);
    routes.find_map(|route| Some((route, captured(&route.segments, &parts)?)))
}

fn captured(segments: &[Segment], parts: &[&str]) -> Option<Captured> {
    let mut found = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let part = *parts.get(index)?;
        match segment {
            Segment::Literal(literal) if literal == part => {}
            Segment::Literal(_) => return None,
            Segment::Field(field) => found.push((field.clone(), decoded(part)?)),
            Segment::Rest(field) => {
                found.push((field.clone(), decoded(&parts[index..].join("/"))?));
                return Some(found);
            }
        }
    }
    (parts.len() == segments.len()).then_some(found)
}

/// A text with its percent signs resolved; `None` when it is not UTF-8 then.
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| first == b'%');
        match digits.and_then(|digits| hex::decode(digits).ok()) {
            Some(byte) => {
                bytes.extend(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(verb: &str, path: &str) -> Option<(String, Captured)> {
        find(verb, path).map(|(route, captured)| (route.method.full_name().to_owned(), captured))
    }

    #[test]
    fn what_is_written_out_goes_before_a_field() {
        let (latest, captured) =
            method("GET", "/cosmos/base/tendermint/v1beta1/blocks/latest").unwrap();
        assert!(latest.ends_with("GetLatestBlock") && captured.is_empty());
        let (one, captured) = method("GET", "/cosmos/base/tendermint/v1beta1/blocks/7").unwrap();
        assert!(one.ends_with("GetBlockByHeight"));
        assert_eq!(captured, [("height".to_owned(), "7".to_owned())]);
    }

    #[test]
    fn verb_and_length_must_fit_and_percent_signs_are_resolved() {
        let path = "/cosmos/tx/v1beta1/txs";
        assert!(method("POST", path).unwrap().0.ends_with("BroadcastTx"));
        assert!(method("GET", path).unwrap().0.ends_with("GetTxsEvent"));
        assert_eq!(method("GET", "/cosmos/bank/v1beta1/balances/a/b/c"), None);
        let (_, captured) = method("GET", "/cosmos/bank/v1beta1/balances/a%20b%").unwrap();
        assert_eq!(captured[0].1, "a b%");
    }

    #[test]
    fn every_query_of_this_chain_has_a_route() {
        for query in race_app::registry::queries() {
            let routed = all().iter().any(|route| route.method_path == query.path);
            assert!(
                routed,
                "{}: set (google.api.http) in its .proto",
                query.path
            );
        }
    }
}
