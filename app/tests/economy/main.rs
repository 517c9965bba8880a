//! The economy of the state machine, driven block by block: sessions, settlement, duties,
//! re-verification, rewards and prices. After every block the invariants about coins are checked.

mod accusing;
mod bonding;
mod making_room;
mod modelling;
mod paying;
mod pricing;
mod properties;
mod reporting;
mod revealing;
mod settling;
mod world;
