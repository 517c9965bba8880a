//! What any bytes may do as a packed message that is shown in amino JSON: have none, or one that reads
//! back as itself.

use prost::Message as _;
use race_app::registry;
use race_app::tx::amino;
use race_proto::Any;

use crate::canonical::canonical;
use crate::input::Input;

/// Tries the bytes as a packed message, as the content of one of any type, and packed in themselves.
pub fn survives(bytes: &[u8]) {
    if let Ok(any) = Any::decode(bytes) {
        shown(&any);
    }
    let mut input = Input(bytes);
    let known: Vec<_> = registry::messages().map(|kind| kind.type_url).collect();
    let type_url = match input.byte() {
        0..=223 => (*input.one_of(&known)).to_owned(),
        _ => format!("/{}", input.text()),
    };
    let depth = usize::from(input.byte() % 64);
    let mut any = Any {
        type_url,
        value: input.0.to_vec(),
    };
    shown(&any);
    for _ in 0..depth {
        any = Any {
            type_url: "/google.protobuf.Any".to_owned(),
            value: any.encode_to_vec(),
        };
    }
    shown(&any);
}

fn shown(any: &Any) {
    if let Ok(text) = amino::json(any) {
        assert_eq!(canonical(text.as_bytes()), text);
        assert_eq!(amino::json(any), Ok(text));
    }
}
