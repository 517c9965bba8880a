//! Streaming text: whole characters only, and nothing that may turn out to be a stop string.

/// Turns byte pieces into text, keeping an unfinished character until its rest comes.
#[derive(Clone, Debug, Default)]
pub struct Utf8Stream {
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// Adds bytes and returns the text that is now complete. Bytes that cannot become UTF-8 turn
    /// into U+FFFD at once.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest: &[u8] = &self.pending;
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    match error.error_len() {
                        Some(bad) => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            rest = after.get(bad..).unwrap_or_default();
                        }
                        None => {
                            rest = after;
                            break;
                        }
                    }
                }
            }
        }
        self.pending = rest.to_vec();
        text
    }

    /// The text of an unfinished character at the end: U+FFFD, or nothing.
    pub fn finish(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        text
    }
}

/// Watches text for stop strings.
#[derive(Clone, Debug)]
pub(crate) struct StopMatcher<'a> {
    strings: &'a [String],
    held: String,
}

/// What a [`StopMatcher`] lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Text that is certainly part of the answer.
    pub text: String,
    /// Index of the stop string that was completed.
    pub stop: Option<usize>,
}

impl<'a> StopMatcher<'a> {
    /// For these strings; empty ones never match.
    pub(crate) fn new(strings: &'a [String]) -> Self {
        Self {
            strings,
            held: String::new(),
        }
    }

    /// Adds text. The earliest match wins, the longest of those that start there.
    pub(crate) fn push(&mut self, text: &str) -> Passed {
        self.held.push_str(text);
        let found = self
            .strings
            .iter()
            .enumerate()
            .filter(|(_, stop)| !stop.is_empty())
            .filter_map(|(index, stop)| Some((self.held.find(stop.as_str())?, stop.len(), index)))
            .min_by_key(|&(at, length, index)| (at, std::cmp::Reverse(length), index));
        if let Some((at, _, index)) = found {
            self.held.truncate(at);
            return Passed {
                text: std::mem::take(&mut self.held),
                stop: Some(index),
            };
        }
        let keep = self.suspicious_suffix();
        let rest = self.held.split_off(self.held.len().saturating_sub(keep));
        Passed {
            text: std::mem::replace(&mut self.held, rest),
            stop: None,
        }
    }

    /// What was held back and is an answer after all.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Bytes at the end of the held text that begin a stop string.
    fn suspicious_suffix(&self) -> usize {
        self.held
            .char_indices()
            .map(|(at, _)| self.held.split_at(at).1)
            .find(|suffix| self.strings.iter().any(|stop| stop.starts_with(suffix)))
            .map_or(0, str::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_split_over_pieces_comes_out_whole_and_once() {
        let mut stream = Utf8Stream::default();
        let crab = "🦀".as_bytes();
        assert_eq!(stream.push(&crab[..1]), "");
        assert_eq!(stream.push(&crab[1..3]), "");
        assert_eq!(stream.push(&[crab[3], b'!']), "🦀!");
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn bytes_that_are_no_text_become_replacement_characters_and_the_rest_survives() {
        let mut stream = Utf8Stream::default();
        assert_eq!(stream.push(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(stream.push(&"é".as_bytes()[..1]), "");
        assert_eq!(stream.push(b"x"), "\u{fffd}x");
        assert_eq!(stream.push(&[0xf0, 0x9f]), "");
        assert_eq!(stream.finish(), "\u{fffd}");
    }

    #[test]
    fn the_pieces_give_the_same_text_however_they_are_cut() {
        let bytes = "añ🦀\u{fffd}z".as_bytes();
        for cut in 0..=bytes.len() {
            let mut stream = Utf8Stream::default();
            let mut text = stream.push(&bytes[..cut]);
            text.push_str(&stream.push(&bytes[cut..]));
            text.push_str(&stream.finish());
            assert_eq!(text.as_bytes(), bytes);
        }
    }

    #[test]
    fn a_stop_string_over_two_pieces_is_held_back_and_cut_off() {
        let stops = vec!["END".to_string()];
        let mut matcher = StopMatcher::new(&stops);
        assert_eq!(
            matcher.push("so E"),
            Passed {
                text: "so ".into(),
                stop: None
            }
        );
        assert_eq!(
            matcher.push("ND of"),
            Passed {
                text: String::new(),
                stop: Some(0)
            }
        );
    }

    #[test]
    fn what_only_looked_like_a_stop_string_is_delivered() {
        let stops = vec!["END".to_string()];
        let mut matcher = StopMatcher::new(&stops);
        assert_eq!(matcher.push("EN").text, "");
        assert_eq!(matcher.push("emy E").text, "ENemy ");
        assert_eq!(matcher.finish(), "E");
    }

    #[test]
    fn the_earliest_of_several_stop_strings_wins() {
        let stops = vec!["b".to_string(), "abc".to_string(), String::new()];
        let mut matcher = StopMatcher::new(&stops);
        assert_eq!(
            matcher.push("xabc"),
            Passed {
                text: "x".into(),
                stop: Some(1)
            }
        );
    }
}
