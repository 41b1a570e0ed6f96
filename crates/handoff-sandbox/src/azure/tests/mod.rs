//! The Azure DevOps simulator, over real HTTP on a clock that stands still.

mod access;
mod control;
mod delivery;
mod faults;
mod hooks;
mod payloads;
mod people;
mod scene;
mod work_items;
