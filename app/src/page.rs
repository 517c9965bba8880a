//! Pagination of lists, as the SDK's queries do it.

use race_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};

use crate::error::QueryError;

/// Entries of a page when the request names no limit.
const DEFAULT_LIMIT: u64 = 100;

/// Most entries of a page, whatever the request says: one request must not make a node send a list without end.
pub const MAX_LIMIT: u64 = 1_000;

/// Cuts a page out of `items`, which are in the order of their keys. Who asks for more than [`MAX_LIMIT`] gets so
/// many, and the key of the next page.
///
/// # Errors
/// When both a key and an offset are given.
pub fn paginate<T>(
    items: Vec<(Vec<u8>, T)>,
    request: Option<PageRequest>,
) -> Result<(Vec<T>, PageResponse), QueryError> {
    let mut request = request.unwrap_or_default();
    if request.offset > 0 && !request.key.is_empty() {
        let log = "invalid request, either offset or key is expected, got both";
        return Err(QueryError::InvalidArgument(log.to_owned()));
    }
    if request.limit == 0 {
        request.limit = DEFAULT_LIMIT;
        request.count_total = true;
    }
    let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let mut items = items;
    if request.reverse {
        items.reverse();
    }
    let by_key = !request.key.is_empty();
    let skip = match by_key {
        true => items
            .iter()
            .position(|(key, _)| *key == request.key)
            .unwrap_or(items.len()),
        false => usize::try_from(request.offset).unwrap_or(usize::MAX),
    };
    let limit = usize::try_from(request.limit.min(MAX_LIMIT)).unwrap_or(usize::MAX);
    let mut rest = items.into_iter().skip(skip);
    let page = rest.by_ref().take(limit).map(|(_, item)| item).collect();
    let next_key = rest.next().map(|(key, _)| key).unwrap_or_default();
    // The SDK counts only when it walks from the start.
    let total = if !by_key && (request.count_total || next_key.is_empty()) {
        total
    } else {
        0
    };
    Ok((page, PageResponse { next_key, total }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items() -> Vec<(Vec<u8>, u8)> {
        (1..=5).map(|n| (vec![n], n)).collect()
    }

    #[test]
    fn the_next_key_of_a_page_starts_the_next() {
        let request = PageRequest {
            limit: 2,
            ..PageRequest::default()
        };
        let (page, response) = paginate(items(), Some(request)).unwrap();
        assert_eq!(
            (page, response.next_key.clone(), response.total),
            (vec![1, 2], vec![3], 0)
        );
        let request = PageRequest {
            key: response.next_key,
            limit: 9,
            ..PageRequest::default()
        };
        let (page, response) = paginate(items(), Some(request)).unwrap();
        assert_eq!((page, response.next_key), (vec![3, 4, 5], vec![]));
    }

    #[test]
    fn without_a_limit_the_total_is_counted() {
        let (page, response) = paginate(items(), None).unwrap();
        assert_eq!((page.len(), response.total), (5, 5));
    }

    #[test]
    fn a_page_has_an_end_whatever_was_asked_for() {
        let many = (0..2_500u64).map(|n| (n.to_be_bytes().to_vec(), n));
        let many: Vec<_> = many.collect();
        let mut request = PageRequest {
            limit: u64::MAX,
            ..PageRequest::default()
        };
        let mut pages = Vec::new();
        loop {
            let (page, response) = paginate(many.clone(), Some(request.clone())).unwrap();
            pages.push(page.len());
            if response.next_key.is_empty() {
                break;
            }
            request.key = response.next_key;
        }
        assert_eq!(pages, [1_000, 1_000, 500]);
    }

    #[test]
    fn reversed_pages_start_at_the_end_and_key_with_offset_is_refused() {
        let request = PageRequest {
            limit: 1,
            offset: 1,
            reverse: true,
            ..PageRequest::default()
        };
        assert_eq!(paginate(items(), Some(request.clone())).unwrap().0, [4]);
        let both = PageRequest {
            key: vec![1],
            ..request
        };
        assert!(paginate(items(), Some(both)).is_err());
    }
}
