//! Distributed key generation: Joint-Feldman with the chain as broadcast channel.
//!
//! | file | what is in it |
//! |---|---|
//! | `session.rs` | who takes part in which attempt, with which shares; the session id |
//! | `deal.rs` | a member's polynomial: its encoding, its proofs, how it is derived and checked |
//! | `cipher.rs` | shares for many receivers under one ephemeral key |
//! | `complaint.rs` | opening a bad share, and judging who lied |
//! | `confirmation.rs` | "I have checked these deals" |
//! | `board.rs` | the public side: takes posts, says how it ends |
//! | `participant.rs` | the private side: says what a member owes |
//! | `key.rs` | the committee's key and a member's secret shares |
//!
//! The public side holds no secrets and the private side no state: [`Participant::owes`] is a function
//! of the node's secrets and the [`Board`], and the board a function of the session and the posts. Of
//! the key, the group's secret exists nowhere.
//!
//! # What is not prevented
//!
//! A dealer that sees the others' deals can choose which of two or more keys comes out (by having a
//! deal of its own upheld against or not). It learns nothing about the key by that, and forging a
//! signature stays as hard; the key is not used as randomness.

mod board;
mod cipher;
mod complaint;
mod confirmation;
mod deal;
mod key;
mod participant;
mod session;
mod wire;

pub use board::{Board, Outcome, Post, Refusal, Shortfall};
pub use complaint::{Complaint, ComplaintError, Verdict};
pub use confirmation::{deals_digest, Confirmation, ConfirmationError};
pub use deal::{Deal, DealError};
pub use key::{CommitteeKey, KeyError, SecretShares};
pub use participant::{Participant, RecoverError};
pub use session::{Attempt, Member, NotAMember, Seat, Seats, Session};
pub use wire::WrongLength;
