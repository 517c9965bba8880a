//! What `authz` and `feegrant` share: grants of an account to another, found from either side, that end with
//! their time.

use std::collections::BTreeMap;
use std::fmt::Debug;

use prost::Message;

use crate::address::Account;
use crate::error::{QueryError, TxError};
use crate::message::signer;
use crate::state::{Key, Map, State};

/// Grants with their two indexes. Invariant ([`Book::check`]): each is listed once under its other side,
/// queued exactly when it ends, and counted for who gave it.
pub(crate) struct Book<I, G> {
    /// By id, which begins with one of the sides.
    pub(crate) grants: Map<I, G>,
    /// By the id turned, which begins with the other side.
    pub(crate) listed: Map<I, ()>,
    /// Those that end: by header time in ms, and id.
    pub(crate) queue: Map<(u64, I), ()>,
    /// How many an account has given: looking through them all for each new one would be work that nobody
    /// pays for.
    pub(crate) given: Map<Account, u64>,
    /// Who gave the grant of an id.
    pub(crate) granter: fn(&I) -> Account,
    /// Turns an id.
    pub(crate) turned: fn(I) -> I,
    /// When a grant ends: header time in ms.
    pub(crate) end_ms: fn(&G) -> Option<u64>,
}

impl<I: Key + Clone + Debug, G: Message + Default> Book<I, G> {
    /// Writes a grant, in place of one of the same id.
    pub(crate) fn put(&self, state: &mut State, id: &I, grant: &G) {
        self.remove(state, id);
        self.grants.put(state, id, grant);
        self.listed.put(state, &(self.turned)(id.clone()), &());
        if let Some(end) = (self.end_ms)(grant) {
            self.queue.put(state, &(end, id.clone()), &());
        }
        let granter = (self.granter)(id);
        let given = self.given(state, &granter).saturating_add(1);
        self.given.put(state, &granter, &given);
    }

    /// How many grants an account has given.
    pub(crate) fn given(&self, state: &State, granter: &Account) -> u64 {
        self.given.get(state, granter).unwrap_or(0)
    }

    /// Removes a grant; whether there was one.
    pub(crate) fn remove(&self, state: &mut State, id: &I) -> bool {
        let Some(grant) = self.grants.get(state, id) else {
            return false;
        };
        self.grants.remove(state, id);
        self.listed.remove(state, &(self.turned)(id.clone()));
        if let Some(end) = (self.end_ms)(&grant) {
            self.queue.remove(state, &(end, id.clone()));
        }
        let granter = (self.granter)(id);
        match self.given(state, &granter).saturating_sub(1) {
            0 => self.given.remove(state, &granter),
            given => self.given.put(state, &granter, &given),
        }
        true
    }

    /// Removes grants whose time is over, the oldest first, at most `most`. One that is over and still there
    /// is refused all the same.
    pub(crate) fn forget(&self, state: &mut State, now_ms: u64, most: usize) {
        for ((end, id), ()) in self.queue.first(state, most) {
            if end > now_ms {
                return;
            }
            self.remove(state, &id);
        }
    }

    /// Checks that all of them name the same grants.
    ///
    /// # Errors
    /// A sentence with the grant or the numbers.
    pub(crate) fn check(&self, state: &State) -> Result<(), String> {
        let (mut grants, mut ending) = (0usize, 0usize);
        let mut given: BTreeMap<Account, u64> = BTreeMap::new();
        for (id, grant) in self.grants.all(state) {
            grants = grants.saturating_add(1);
            let count = given.entry((self.granter)(&id)).or_default();
            *count = count.saturating_add(1);
            if !self.listed.has(state, &(self.turned)(id.clone())) {
                return Err(format!("{id:?} is not listed"));
            }
            let Some(end) = (self.end_ms)(&grant) else {
                continue;
            };
            ending = ending.saturating_add(1);
            if !self.queue.has(state, &(end, id.clone())) {
                return Err(format!("{id:?} never ends"));
            }
        }
        if self.given.all(state) != given.into_iter().collect::<Vec<_>>() {
            return Err("the counts of grants given are not those of the grants".to_owned());
        }
        let (listed, queued) = (self.listed.all(state).len(), self.queue.all(state).len());
        match (listed, queued) == (grants, ending) {
            true => Ok(()),
            false => Err(format!(
                "{grants} grants of which {ending} end, {listed} are listed and {queued} queued"
            )),
        }
    }
}

/// The two sides of a grant, as messages name them.
pub(crate) struct Sides {
    /// Who gives, and signs.
    pub(crate) granter: Account,
    grantee: String,
}

impl Sides {
    /// Reads the signer. The other side is read when the message executes, as in the SDK.
    pub(crate) fn read(granter: &str, grantee: String) -> Result<Self, TxError> {
        Ok(Self {
            granter: signer(granter)?,
            grantee,
        })
    }

    /// The other side; `same` when it is none.
    pub(crate) fn grantee(&self, same: impl Into<TxError>) -> Result<Account, TxError> {
        let grantee = Account::parse(&self.grantee).map_err(|e| {
            TxError::sdk(7, format!("invalid grantee address: {e}: invalid address"))
        })?;
        match grantee == self.granter {
            true => Err(same.into()),
            false => Ok(grantee),
        }
    }
}

/// A side that a query names; the error has the SDK's status.
pub(crate) fn asked(text: &str) -> Result<Account, QueryError> {
    Account::parse(text).map_err(|e| QueryError::Unknown(e.to_string()))
}
