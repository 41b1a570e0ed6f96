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
use std::time::Duration;

/// Of so many seconds the first id is taken, so that a new one collides.
const SECONDS_TAKEN: i64 = 6;

/// A new id is generated, another where one is taken; a given one is kept, and its collision is a conflict.
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
    let (taken, instead) = collided(play, number).await?;
    Ok(Seen {
        words: format!(
            "saved with the id {generated}; the given id {given} was kept, and a second time refused; \
             {taken} was taken, and {instead} followed"
        ),
        evidence: json!({
            "id": number,
            "given_id_kept": given,
            "given_id_again": again.status,
            "collision": {"taken": taken, "saved_with": instead},
        }),
    })
}

/// Takes the first id of each of the coming seconds, and saves a project in one of them: the id that was taken,
/// and the one it got instead.
async fn collided(play: &Play, number: i64) -> Result<(i64, i64)> {
    let projects = format!("{}/projects", play.at);
    let first_of = |second: i64| (number & (31 << 48)) | (second << 16) | (number & 0xfff0);
    let begun = SystemClock.now().as_seconds() - EPOCH_SECONDS + 1;
    for second in begun..begun + SECONDS_TAKEN {
        play.api.post(&projects, &json!({"name": "Taken", "id": first_of(second)})).await?;
    }
    while SystemClock.now().as_seconds() - EPOCH_SECONDS < begun {
        SystemClock.sleep(Duration::from_millis(20)).await;
    }
    let saved = play.api.ask(Method::POST, &projects, Some(&json!({"name": "Collided"}))).await?;
    see!(saved.status == 201, "saving where the new id is taken was answered {}: {}", saved.status, saved.json);
    let id = saved.json["id"].as_i64().context("the id is no number")?;
    let taken = first_of((id >> 16) & 0xffff_ffff);
    see!(id != taken, "the id {id} collided with none: it was not saved in time");
    Ok((taken, id))
}

/// The id is made of the version, the present second, the region and a sequence number.
pub(in crate::demo) async fn generate_snowflake_id(play: &mut Play) -> Result<Seen> {
    let mut made = Vec::new();
    for _ in 0..3 {
        let answer =
            play.api.ask(Method::POST, &format!("{}/projects", play.at), Some(&json!({"name": "Counted"}))).await?;
        see!(answer.status == 201, "a new id was answered {}: {}", answer.status, answer.json);
        made.push(answer.json["id"].as_i64().context("the id is no number")?);
    }
    let now = SystemClock.now().as_seconds();
    see!(made.is_sorted_by(|a, b| a < b), "ids that were given one after another do not rise: {made:?}");
    let id = made.last().copied().unwrap_or_default();
    let parts = decoded(id);
    let second = EPOCH_SECONDS + parts["seconds"].as_i64().unwrap_or(0);
    let window = i64::try_from(LOOK_BACK_SECONDS).unwrap_or(i64::MAX);
    see!(parts["version"] == 16, "the id {id} has the version bits {}", parts["version"]);
    see!(parts["region"] == REGION, "the id {id} has the region {} instead of {REGION}", parts["region"]);
    see!((now - window..=now + 1).contains(&second), "the id {id} is of {second}, but it is {now}");
    see!(id <= MAX_SAFE_INTEGER, "the id {id} is not exact in a JavaScript number");
    Ok(Seen {
        words: format!("{id} is {parts}, made {} s ago", now - second),
        evidence: json!({
            "id": id,
            "in_a_row": made,
            "decoded": parts,
            "unix_seconds": second,
            "now": now,
            "below_2_53": id <= MAX_SAFE_INTEGER,
        }),
    })
}

/// Five bits of version, 32 of seconds, twelve of region, four of sequence.
fn decoded(id: i64) -> Value {
    let bits = |from: u32, count: u32| (id >> from) & ((1 << count) - 1);
    json!({"version": bits(48, 5), "seconds": bits(16, 32), "region": bits(4, 12), "sequence": bits(0, 4)})
}
