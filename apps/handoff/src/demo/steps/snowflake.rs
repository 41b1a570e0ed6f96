//! Save With Snowflake Id and Generate Snowflake Id, read from the ids that our API gives.

use super::see;
use crate::demo::play::{Play, Prop};
use crate::demo::report::Seen;
use crate::demo::stage::REGION;
use crate::environment::SystemClock;
use anyhow::{Context, Result};
use handoff_domain::id::MAX_SAFE_INTEGER;
use handoff_domain::port::Clock;
use handoff_domain::snowflake::{EPOCH_SECONDS, LOOK_BACK_SECONDS};
use reqwest::Method;
use serde_json::{Value, json};

/// A new id is generated; a given one is kept, and its collision is a conflict.
pub(in crate::demo) async fn save_with_snowflake_id(play: &mut Play) -> Result<Seen> {
    let projects = format!("{}/projects", play.at);
    let generated = play.prop(Prop::Project)?.to_owned();
    let found = play.api.get(&format!("{projects}/{generated}")).await?;
    let number: i64 = generated.parse().context("the id is no number")?;
    see!(found["id"] == number, "the project {generated} shows the id {}", found["id"]);
    // Of a day earlier, which this instance never gives out.
    let given = number - (86_400 << 16);
    let import = json!({"name": "Imported", "id": given});
    let imported = play.api.post(&projects, &import).await?;
    let again = play.api.ask(Method::POST, &projects, Some(&import)).await?;
    see!(imported["id"] == given, "the given id {given} became {}", imported["id"]);
    see!(again.status == 409, "a second project of the id {given} was answered {}", again.status);
    Ok(Seen {
        words: format!("saved with the id {generated}; the given id {given} was kept, and a second time refused"),
        evidence: json!({"id": number, "given_id_kept": given, "given_id_again": again.status}),
    })
}

/// The id is made of the version, the present second, the region and a sequence number.
pub(in crate::demo) async fn generate_snowflake_id(play: &mut Play) -> Result<Seen> {
    let made = play.api.post(&format!("{}/projects", play.at), &json!({"name": "Counted"})).await?;
    let now = SystemClock.now().as_seconds();
    let id = made["id"].as_i64().context("the id is no number")?;
    let parts = decoded(id);
    let second = EPOCH_SECONDS + parts["seconds"].as_i64().unwrap_or(0);
    let window = i64::try_from(LOOK_BACK_SECONDS).unwrap_or(i64::MAX);
    see!(parts["version"] == 16, "the id {id} has the version bits {}", parts["version"]);
    see!(parts["region"] == REGION, "the id {id} has the region {} instead of {REGION}", parts["region"]);
    see!((now - window..=now + 1).contains(&second), "the id {id} is of {second}, but it is {now}");
    see!(id <= MAX_SAFE_INTEGER, "the id {id} is not exact in a JavaScript number");
    Ok(Seen {
        words: format!("{id} is {parts}, made {} s ago", now - second),
        evidence: json!({"id": id, "decoded": parts, "unix_seconds": second, "now": now, "below_2_53": id <= MAX_SAFE_INTEGER}),
    })
}

/// Five bits of version, 32 of seconds, twelve of region, four of sequence.
fn decoded(id: i64) -> Value {
    let bits = |from: u32, count: u32| (id >> from) & ((1 << count) - 1);
    json!({"version": bits(48, 5), "seconds": bits(16, 32), "region": bits(4, 12), "sequence": bits(0, 4)})
}
